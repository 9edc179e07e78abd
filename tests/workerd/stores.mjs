// Serves D1, KV and R2-over-S3 on loopback until its standard input closes, so that it ends with the process that started it.
import { Miniflare } from "miniflare";

const { folder, databases, namespaces, buckets, accessKeyId, secretAccessKey, worker } = JSON.parse(process.argv[2]);
const kind = (name) => (name.endsWith(".json") ? "json" : "esm");
const modules = Object.entries(worker.modules).map(([name, contents]) => [name, { type: kind(name), contents }]);
const env = {};
const exports = {};
worker.objects.forEach((name) => {
  exports[name] = { type: "durable-object", storage: "sqlite" };
  env[name] = { type: "durable-object", worker: "stores", exportName: name };
});
databases.forEach((id, i) => (env[`DB_${i}`] = { type: "d1", id }));
namespaces.forEach((id, i) => (env[`KV_${i}`] = { type: "kv", id }));
buckets.forEach((name, i) => {
  env[`BUCKET_${i}`] = { type: "r2", name, dev: { experimentalS3Credentials: { accessKeyId, secretAccessKey } } };
});
const stores = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  cf: false,
  resourcePersistencePath: folder,
  unsafeLocalExplorer: true,
  logRequests: false,
  stripDisablePrettyError: true,
  telemetry: { enabled: false },
  enableDevRegistry: false,
  workers: [
    {
      config: {
        name: "stores",
        compatibilityDate: "2026-01-01",
        manifest: { mainModule: worker.main, modules: Object.fromEntries(modules) },
        env,
        exports,
      },
      dev: { rootPath: folder },
    },
  ],
});
process.stdin.resume();
process.stdin.on("end", async () => {
  await stores.dispose();
  process.exit(0);
});
console.log(String(await stores.ready));
