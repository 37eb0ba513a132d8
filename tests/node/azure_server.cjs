// Azurite's blob service, in memory, as a process that ends when the pipe at its standard input closes.
const port = process.argv[2] || "0";
process.stdin.on("end", () => process.exit(0)).resume();
process.argv.splice(2, Infinity, "--blobHost", "127.0.0.1", "--blobPort", port);
process.argv.push("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent");
require("azurite/dist/src/blob/main.js");
