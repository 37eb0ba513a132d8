// node predict.mjs MODEL.onnx MODEL.json STREAM=FILE.csv ...   needs: npm install onnxruntime-web
// Each file: a header, then a line a sample: its time in seconds, then its channels (joint after joint, x y z each).
// In a browser: fetch what is read here; onnxruntime-web is the same.
import fs from "node:fs";
import * as ort from "onnxruntime-web";

const [model, cardFile, ...named] = process.argv.slice(2);
const card = JSON.parse(fs.readFileSync(cardFile, "utf8"));
const files = Object.fromEntries(named.map((each) => each.split(/=(.*)/s).slice(0, 2)));
ort.env.logLevel = "error";
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(fs.readFileSync(model));

const batch = {}; // of one recording
for (const { name, sample } of card.streams) {
  const lines = fs.readFileSync(files[name], "utf8").trim().split("\n").slice(1);
  const rows = lines.map((line) => line.split(",").map(Number));
  const values = Float32Array.from(rows.flatMap((row) => row.slice(1)));
  batch[name] = new ort.Tensor("float32", values, [1, rows.length, ...sample]);
  batch[`${name}_time`] = new ort.Tensor("float64", Float64Array.from(rows, (row) => row[0]), [1, rows.length]);
}

const { probabilities } = await session.run(batch);
const best = probabilities.data.indexOf(Math.max(...probabilities.data));
console.log(JSON.stringify({ predicted: card.classes[best], probability: probabilities.data[best] }));
