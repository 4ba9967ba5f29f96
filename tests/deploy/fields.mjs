// Every field of every manifest is one that its API version has, and of its type: by the
// types of @kubernetes/client-node, which are generated of Kubernetes' OpenAPI document.
// Kinds of others (the Prometheus Operator's) have none there and are listed.
//
//   node fields.mjs MODELS-FOLDER JS-YAML-MODULE FILE.yaml...
import { readFileSync } from "node:fs";
const models = process.argv[2];
const yaml = await import(process.argv[3]);
let failed = 0, fields = 0;
const unknown = new Set();

// Kind -> apiVersion, as far as they are used here; the class is V1 and the kind.
const versions = {
  ClusterRole: "rbac.authorization.k8s.io/v1",
  ClusterRoleBinding: "rbac.authorization.k8s.io/v1",
  ConfigMap: "v1",
  CustomResourceDefinition: "apiextensions.k8s.io/v1",
  DaemonSet: "apps/v1",
  Deployment: "apps/v1",
  Lease: "coordination.k8s.io/v1",
  NetworkPolicy: "networking.k8s.io/v1",
  PodDisruptionBudget: "policy/v1",
  Role: "rbac.authorization.k8s.io/v1",
  RoleBinding: "rbac.authorization.k8s.io/v1",
  ServiceAccount: "v1",
  ValidatingAdmissionPolicy: "admissionregistration.k8s.io/v1",
  ValidatingAdmissionPolicyBinding: "admissionregistration.k8s.io/v1",
};

function bad(where, what) {
  console.log(`not ok - fields: ${where}: ${what}`);
  failed++;
}

async function model(name) {
  return (await import(`${models}/${name}.js`))[name];
}

// "string", "Array<V1Container>", "{ [key: string]: string; }", "V1PodSpec", "any"
async function check(value, type, where) {
  const list = /^Array<(.*)>$/.exec(type);
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  fields++;
  if (type === "any") return;
  if (list) {
    if (!Array.isArray(value)) return bad(where, "is no list");
    for (const [i, each] of value.entries()) await check(each, list[1], `${where}[${i}]`);
  } else if (value === null || value === undefined) {
    bad(where, "is null");
  } else if (map) {
    for (const [key, each] of Object.entries(value)) await check(each, map[1], `${where}.${key}`);
  } else if (type === "IntOrString") {
    if (!["number", "string"].includes(typeof value)) bad(where, `is no ${type}`);
  } else if (["string", "number", "boolean"].includes(type)) {
    if (typeof value !== type) bad(where, `is no ${type}`);
  } else {
    await members(value, type, where);
  }
}

async function members(value, type, where) {
  if (typeof value !== "object") return bad(where, `is no ${type}`);
  const known = (await model(type)).getAttributeTypeMap();
  for (const [key, each] of Object.entries(value)) {
    const attribute = known.find((one) => one.baseName === key);
    if (attribute) await check(each, attribute.type, `${where}.${key}`);
    else bad(`${where}.${key}`, `is no field of ${type}`);
  }
}

for (const file of process.argv.slice(4))
  for (const manifest of yaml.loadAll(readFileSync(file, "utf8"))) {
    const { apiVersion, kind, metadata } = manifest;
    const where = `${file}: ${kind}/${metadata?.name}`;
    if (/^monitoring\.coreos\.com\//.test(apiVersion)) unknown.add(`${apiVersion} ${kind}`);
    else if (versions[kind] !== apiVersion) bad(where, `${apiVersion} is not where it is served`);
    else await members(manifest, `V1${kind}`, where);
  }
if (failed === 0)
  console.log(`ok - fields: ${fields} fields of ${process.argv.length - 4} files are known` +
    (unknown.size > 0 ? `; no types for ${[...unknown].join(", ")}` : ""));
process.exit(failed === 0 ? 0 : 1);
