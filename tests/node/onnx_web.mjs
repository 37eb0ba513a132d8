// Runs an exported model under onnxruntime-web: a recording a line in (values and times by stream), probabilities out.
import fs from "node:fs";
import readline from "node:readline";
import * as ort from "onnxruntime-web";

ort.env.logLevel = "error";
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(fs.readFileSync(process.argv[2]));
for await (const line of readline.createInterface({ input: process.stdin })) {
  const batch = {};
  for (const [name, { shape, values, times }] of Object.entries(JSON.parse(line))) {
    batch[name] = new ort.Tensor("float32", Float32Array.from(values), [1, ...shape]);
    batch[`${name}_time`] = new ort.Tensor("float64", Float64Array.from(times), [1, times.length]);
  }
  const { probabilities } = await session.run(batch);
  console.log(JSON.stringify([...probabilities.data]));
}
