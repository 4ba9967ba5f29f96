// The ValidatingAdmissionPolicies of deploy/components/admission, their CEL evaluated on
// requests: those that must be let through and those that must be refused, and what a run
// of ipwarden has really changed. An evaluator of CEL is not an API server: this shows
// what the expressions say, not that a cluster carries them out.
//
//   node policies.mjs CEL-MODULE POLICIES.json CHANGES.json
import { readFileSync } from "node:fs";
const { Environment } = await import(process.argv[2]);
const policies = JSON.parse(readFileSync(process.argv[3])).items;
const changes = JSON.parse(readFileSync(process.argv[4]));

const cel = new Environment({ unlistedVariablesAreDyn: true });
const OURS = "system:serviceaccount:kube-system:ip-address-controller-sa";
const KUBELET = "system:node:node-1";
const NODE_NAME = "authentication.kubernetes.io/node-name";
const AGENT = { username: "system:serviceaccount:kube-system:pod-ip-tracker-agent",
  extra: { [NODE_NAME]: ["node-1"] } };
let failed = 0;

function say(good, text) {
  console.log(`${good ? "ok" : "not ok"} - policies: ${text}`);
  failed += good ? 0 : 1;
}

// admissionregistration.k8s.io/v1: the resources and operations that a policy is about
function matches(policy, { group, resource, operation }) {
  return policy.spec.matchConstraints.resourceRules.some((rule) =>
    rule.apiGroups.includes(group) && rule.resources.includes(resource) &&
    rule.operations.includes(operation));
}

// Why a policy refuses the request, or null. What cannot be evaluated is refused, as with
// failurePolicy: Fail.
function refuses(policy, { user, operation, object, oldObject }) {
  const scope = { object, oldObject: oldObject ?? null, request: { operation,
    userInfo: typeof user === "string" ? { username: user } : user }, variables: {} };
  const value = (expression) => cel.evaluate(expression, scope);
  try {
    if (!(policy.spec.matchConditions ?? []).every((each) => value(each.expression)))
      return null;
    for (const each of policy.spec.variables ?? [])
      scope.variables[each.name] = value(each.expression);
    for (const each of policy.spec.validations)
      if (value(each.expression) !== true) return each.message;
    return null;
  } catch (error) {
    return `${policy.metadata.name}: ${error.message}`;
  }
}

function refused(request) {
  for (const policy of policies.filter((each) => matches(each, request))) {
    const why = refuses(policy, request);
    if (why !== null) return why;
  }
  return null;
}

// As a merge patch changes it: null takes a member away.
function merged(object, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const result = { ...object };
  for (const [key, value] of Object.entries(patch))
    if (value === null) delete result[key];
    else result[key] = merged(result[key] ?? {}, value);
  return result;
}

const node = { metadata: { name: "node-1", labels: { pool: "static" },
  annotations: { a: "b" } }, spec: { providerID: "gce://p/z/node-1" },
  status: { conditions: [{ type: "Ready", status: "True" }] } };
const ready = merged(node, { metadata: { labels: { "ip.ready": "true",
  "netinfra.darkbrains.com/allocation": "web" } } });
const pod = { metadata: { name: "ip-address-controller-a", labels: {
  app: "ip-address-controller", "app.kubernetes.io/name": "ipwarden" } },
  spec: { containers: [{ name: "ipwarden", image: "good" }] }, status: { phase: "Running" } };
const foreign = merged(pod, { metadata: { name: "etcd", labels: {
  "app.kubernetes.io/name": null } } });
const allocation = { metadata: { name: "web" }, spec: { reservedIPs: ["34.82.10.1"] } };
const eviction = { metadata: { name: "web-1" },
  deleteOptions: { preconditions: { uid: "u" } } };

const LONG = "n".repeat(250);
const OF_LONG = { ...AGENT, extra: { [NODE_NAME]: [LONG] } };
const slice = { metadata: { name: "node-1" }, nodeName: "node-1", pods: [] };
const neighbours = { metadata: { name: "node-2" }, nodeName: "node-2", pods: [] };

const NODE = { group: "", resource: "nodes" };
const SLICE = { group: "tracking.ipwarden.dev", resource: "podtrackerslices" };
const STATUS = { group: "", resource: "nodes/status" };
const POD = { group: "", resource: "pods" };
const ALLOCATION = { group: "netinfra.darkbrains.com", resource: "netipallocations" };
const EVICTION = { group: "", resource: "pods/eviction" };
const label = (labels) => ({ metadata: { labels } });

// [allowed, what, who, resource, before (null: created), patch (null: deleted)]
const cases = [
  [true, "ipwarden labels a node", OURS, NODE, node, label({ "ip.ready": "true" })],
  [true, "all three labels", OURS, NODE, node, label({ "ip.ready": "true",
    "netinfra.darkbrains.com/allocation": "web", "netinfra.darkbrains.com/address": "1" })],
  [true, "ipwarden takes them off", OURS, NODE, ready, label({ "ip.ready": null,
    "netinfra.darkbrains.com/allocation": null })],
  [true, "a node without labels is labelled", OURS, NODE, merged(node, { metadata:
    { labels: null } }), label({ "ip.ready": "true" })],
  [false, "somebody sets ip.ready", "admin", NODE, node, label({ "ip.ready": "true" })],
  [false, "a kubelet sets it with its status", KUBELET, STATUS, node, label({ "ip.ready": "true" })],
  [false, "a kubelet registers with it", KUBELET, NODE, null, ready],
  [false, "somebody changes it", "admin", NODE, ready, label({ "ip.ready": "yes" })],
  [true, "somebody takes it off", "admin", NODE, ready, label({ "ip.ready": null })],
  [true, "a ready node is cordoned", "admin", NODE, ready, { spec: { unschedulable: true } }],
  [true, "its kubelet says how it is", KUBELET, STATUS, ready, { status: { conditions: [] } }],
  [true, "a node registers", KUBELET, NODE, null, node],
  [true, "one without labels registers", KUBELET, NODE, null, { metadata: { name: "n" } }],
  [true, "others label nodes", "admin", NODE, node, label({ role: "edge" })],
  [false, "ipwarden sets another label", OURS, NODE, node, label({ role: "edge" })],
  [false, "takes another one off", OURS, NODE, node, label({ pool: null })],
  [false, "all of them", OURS, NODE, node, { metadata: { labels: null } }],
  [false, "changes another one", OURS, NODE, node, label({ pool: "other" })],
  [false, "sets a label that only begins like ours", OURS, NODE, node,
    label({ "netinfra.darkbrains.com/skip": "true" })],
  [false, "cordons", OURS, NODE, node, { spec: { unschedulable: true } }],
  [false, "taints", OURS, NODE, node, { spec: { taints: [{ key: "k", effect: "NoExecute" }] } }],
  [false, "annotates", OURS, NODE, node, { metadata: { annotations: { a: "c" } } }],
  [false, "takes all annotations off", OURS, NODE, node, { metadata: { annotations: null } }],
  [false, "sets a finalizer", OURS, NODE, node, { metadata: { finalizers: ["x/y"] } }],
  [false, "gives it an owner", OURS, NODE, node, { metadata: { ownerReferences: [{ uid: "u" }] } }],
  [false, "changes its status", OURS, STATUS, node, { status: { conditions: [] } }],
  [true, "the leader is marked", OURS, POD, pod, { metadata: { annotations:
    { "controller-leader": "true" } } }],
  [true, "and no longer", OURS, POD, merged(pod, { metadata: { annotations:
    { "controller-leader": "true" } } }), { metadata: { annotations: { "controller-leader": null } } }],
  [false, "ipwarden marks a pod that is none of its own", OURS, POD, foreign,
    { metadata: { annotations: { "controller-leader": "true" } } }],
  [false, "puts another image into its own", OURS, POD, pod,
    { spec: { containers: [{ name: "ipwarden", image: "evil" }] } }],
  [false, "into another's", OURS, POD, foreign,
    { spec: { containers: [{ name: "ipwarden", image: "evil" }] } }],
  [false, "makes a pod its own", OURS, POD, foreign,
    { metadata: { labels: { "app.kubernetes.io/name": "ipwarden" } } }],
  [false, "relabels its own", OURS, POD, pod, { metadata: { labels: { app: "web" } } }],
  [false, "annotates otherwise", OURS, POD, pod, { metadata: { annotations: { other: "true" } } }],
  [false, "takes an annotation off", OURS, POD, merged(pod, { metadata: { annotations:
    { a: "b" } } }), { metadata: { annotations: { a: null } } }],
  [false, "sets a pod's finalizer", OURS, POD, pod, { metadata: { finalizers: ["x/y"] } }],
  [false, "gives a pod an owner", OURS, POD, pod, { metadata: { ownerReferences: [{ uid: "u" }] } }],
  [false, "changes a pod's status", OURS, POD, pod, { status: { phase: "Failed" } }],
  [true, "others patch pods", "admin", POD, foreign, { spec: { containers: [] } }],
  [true, "the finalizer goes on", OURS, ALLOCATION, allocation,
    { metadata: { finalizers: ["netinfra.darkbrains.com/release-ips"] } }],
  [true, "and off", OURS, ALLOCATION, merged(allocation, { metadata: { finalizers:
    ["netinfra.darkbrains.com/release-ips", "a/b"] } }), { metadata: { finalizers: ["a/b"] } }],
  [false, "with another's", OURS, ALLOCATION, merged(allocation, { metadata: { finalizers:
    ["netinfra.darkbrains.com/release-ips", "a/b"] } }), { metadata: { finalizers: null } }],
  [false, "another goes on", OURS, ALLOCATION, allocation, { metadata: { finalizers: ["a/b"] } }],
  [false, "the list is changed", OURS, ALLOCATION, allocation, { spec: { reservedIPs: [] } }],
  [false, "release-now is set", OURS, ALLOCATION, allocation, { metadata: { annotations:
    { "netinfra.darkbrains.com/release-now": "true" } } }],
  [false, "labels an allocation", OURS, ALLOCATION, allocation, label({ a: "b" })],
  [false, "gives it an owner", OURS, ALLOCATION, allocation, { metadata:
    { ownerReferences: [{ uid: "u" }] } }],
  [true, "its owner changes it", "admin", ALLOCATION, allocation, { spec: { reservedIPs: [] } }],
  [true, "evicts by uid", OURS, EVICTION, null, eviction],
  [false, "evicts by name alone", OURS, EVICTION, null, { metadata: { name: "web-1" } }],
  [false, "without a uid", OURS, EVICTION, null, { deleteOptions: { preconditions: {} } }],
  [false, "and no grace", OURS, EVICTION, null,
    merged(eviction, { deleteOptions: { gracePeriodSeconds: 0 } })],
  [true, "an agent creates its node's slice", AGENT, SLICE, null, slice],
  [true, "changes it", AGENT, SLICE, slice, { pods: [{ ip: "10.0.0.1" }] }],
  [true, "has a second one", AGENT, SLICE, null, merged(slice, { metadata: { name: "node-1-2" } })],
  [true, "a tenth", AGENT, SLICE, null, merged(slice, { metadata: { name: "node-1-10" } })],
  [true, "a second one beside a node that is named so", AGENT, SLICE, null,
    merged(slice, { metadata: { name: "node-1-part-2" } })],
  ...["node-1-b", "node-1-b-2", "node-1-1", "node-1-02", "node-1-", "node-12", "node-1-2-2",
    "node-1-part-", "node-1-65", "node-1-part-2-b", "xnode-1-2", "node"].map((name) => [false,
    `names one ${name}`, AGENT, SLICE, null, merged(slice, { metadata: { name } })]),
  [false, "renames one so that it is another's", AGENT, SLICE, slice,
    { metadata: { name: "node-1-b" } }],
  [true, "of a long name what fits", OF_LONG, SLICE, null,
    { metadata: { name: `${LONG.slice(0, 240)}-part-64` }, nodeName: LONG }],
  [false, "and not more of it", OF_LONG, SLICE, null,
    { metadata: { name: `${LONG}-2` }, nodeName: LONG }],
  [true, "deletes it", AGENT, SLICE, merged(slice, { metadata: { name: "node-1-2" } }), null],
  [true, "takes its own name back", AGENT, SLICE, merged(slice, { nodeName: "node" }),
    { nodeName: "node-1" }],
  [false, "creates another node's", AGENT, SLICE, null, neighbours],
  [false, "changes another node's", AGENT, SLICE, neighbours, { pods: [{ ip: "10.0.0.1" }] }],
  [false, "makes another node's its own", AGENT, SLICE, neighbours, { nodeName: "node-1" }],
  [false, "or one of a node whose name begins so", AGENT, SLICE,
    merged(neighbours, { metadata: { name: "node-1-2" } }), { nodeName: "node-1" }],
  [false, "gives its own away", AGENT, SLICE, slice, { nodeName: "node-2" }],
  [false, "deletes another node's", AGENT, SLICE, neighbours, null],
  [false, "stands in another node's name", AGENT, SLICE, null,
    merged(slice, { metadata: { name: "node-2" } })],
  [false, "comes with a token that is bound to no node", { username: AGENT.username }, SLICE, null, slice],
  [false, "or has none of the kind", merged(AGENT, { extra: { [NODE_NAME]: null } }), SLICE, null, slice],
  [true, "the leader writes all of them", OURS, SLICE, null, neighbours],
  [true, "kubectl drain", "admin", EVICTION, null, { metadata: { name: "web-1" } }],
];

// Each rule of each policy refuses something of these, or it says nothing.
const heard = new Set();
for (const [allowed, what, user, resource, before, patch] of cases) {
  const why = refused({ ...resource, user,
    operation: before === null ? "CREATE" : patch === null ? "DELETE" : "UPDATE",
    object: merged(before ?? {}, patch), oldObject: before });
  if (why !== null) heard.add(why);
  say((why === null) === allowed, `${allowed ? "allowed" : "refused"}: ${what}` +
    (why === null ? "" : ` (${why})`));
}
for (const policy of policies)
  for (const { message } of policy.spec.validations)
    if (!heard.has(message))
      say(false, `nothing was refused with: ${message}`);

// What ipwarden did in a run, one change after the other.
for (const { resource, object, oldObject } of changes) {
  const [group, name] = resource;
  const why = refused({ group, resource: name, user: OURS, operation: "UPDATE", object, oldObject });
  if (why !== null) say(false, `${name}/${object.metadata.name} is refused: ${why}`);
}
say(changes.length >= 8, `${changes.length} changes of a run are allowed`);
process.exit(failed === 0 ? 0 : 1);
