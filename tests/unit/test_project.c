#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "project.h"

/* Largest text that is made (bytes). */
#define TEXT_SIZE_MAX ((size_t)1024 * 1024)

/* These are large. */
static struct msg_fact_node node;
static struct msg_fact_pod pod;
static struct msg_fact_allocation allocation;
static struct msg_fact_gone gone;

static int
node_of(const char *json)
{
	memset(&node, 0x5a, sizeof node);
	return project_node(json, strlen(json), &node);
}

static int
pod_of(const char *json)
{
	memset(&pod, 0x5a, sizeof pod);
	return project_pod(json, strlen(json), &pod);
}

#define META "\"metadata\":{\"name\":\"n\",\"uid\":\"u\"}"

/* The texts of a block, joined by "|". */
static const char *
joined(const struct pack *pack)
{
	static char text[PACK_MAX + 1];
	size_t cursor = 0, len = 0;
	const char *part;

	text[0] = '\0';
	while ((part = pack_next(pack, &cursor)) != NULL)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s|", part);
	return text;
}

/* --- nodes --------------------------------------------------------------------------
 */

Test(project, node)
{
	static const char json[] =
	    "{\"kind\":\"Node\",\"metadata\":{\"name\":\"node-a\",\"uid\":\"uid-a\","
	    "\"labels\":{\"a/b\":\"c\",\"d\":\"\"},"
	    "\"annotations\":{\"x\":\"y\",\"netinfra.darkbrains.com/skip\":\"true\"},"
	    "\"deletionTimestamp\":\"2026-01-01T00:00:30Z\"},"
	    "\"spec\":{\"unschedulable\":true,\"providerID\":\"gce://p/z/node-a\","
	    "\"taints\":[{\"key\":\"k\",\"effect\":\"NoSchedule\"},"
	    "{\"key\":\"l\",\"value\":\"v\",\"effect\":\"NoExecute\","
	    "\"timeAdded\":\"2026-01-01T00:00:00Z\"}]},"
	    "\"status\":{\"conditions\":[{\"type\":\"DiskPressure\",\"status\":"
	    "\"True\"},"
	    "{\"type\":\"Ready\",\"status\":\"False\","
	    "\"lastTransitionTime\":\"1970-01-01T00:00:01Z\"}],"
	    "\"addresses\":[{\"type\":\"ExternalIP\",\"address\":\"192.0.2.9\"},"
	    "{\"type\":\"InternalIP\",\"address\":\"10.0.0.1\"},"
	    "{\"type\":\"InternalIP\",\"address\":\"fd00::1\"}],"
	    "\"nodeInfo\":{\"bootID\":\"boot-a\"},\"images\":[{\"names\":[\"i\"]}]}}";

	cr_assert_eq(node_of(json), 0);
	cr_assert_str_eq(node.name, "node-a");
	cr_assert_str_eq(node.uid, "uid-a");
	cr_assert_str_eq(node.provider_id, "gce://p/z/node-a");
	cr_assert_str_eq(node.boot_id, "boot-a");
	cr_assert_str_eq(node.internal_ip, "10.0.0.1");
	cr_assert_eq(node.unschedulable, 1);
	cr_assert_eq(node.deleting, 1);
	cr_assert_eq(node.skip, 1);
	cr_assert_eq(node.oversize, 0);
	cr_assert_eq(node.ready, NODE_READY_FALSE);
	cr_assert_eq(node.ready_since_ms, 1000);
	cr_assert_str_eq(joined(&node.labels), "a/b|c|d||");
	cr_assert_str_eq(joined(&node.taints), "k||NoSchedule|l|v|NoExecute|");
}

Test(project, node_of_next_to_nothing)
{
	cr_assert_eq(node_of("{" META ",\"spec\":{},\"status\":{\"conditions\":null,"
			     "\"addresses\":null}}"),
	    0);
	cr_assert_eq(node.unschedulable + node.deleting + node.skip + node.oversize, 0);
	cr_assert_eq(node.ready, NODE_READY_UNKNOWN);
	cr_assert_eq(node.ready_since_ms, 0);
	cr_assert_eq(node.labels.len + node.taints.len, 0);
	cr_assert_str_empty(node.internal_ip);
	cr_assert_str_empty(node.provider_id);
}

Test(project, node_skip_only_if_true)
{
	static const char *const values[] = {
	    "\"false\"", "\"True\"", "\"\"", "\"1\"", "true", "null", "[\"true\"]"};

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		char *json = mem_printf("{\"metadata\":{\"name\":\"n\",\"uid\":\"u\","
					"\"annotations\":{"
					"\"netinfra.darkbrains.com/skip\":%s}}}",
		    values[i]);

		cr_assert_eq(node_of(json), 0, "%s", json);
		cr_assert_eq(node.skip, 0, "%s", json);
		free(json);
	}
	cr_assert_eq(node_of("{\"metadata\":{\"annotations\":{"
			     "\"netinfra.darkbrains.com/skip\":"),
	    -EBADMSG);
}

Test(project, node_ready)
{
	static const struct {
		const char *status;
		enum node_ready ready;
	} cases[] = {{"\"True\"", NODE_READY_TRUE}, {"\"False\"", NODE_READY_FALSE},
	    {"\"Unknown\"", NODE_READY_UNKNOWN}, {"null", NODE_READY_UNKNOWN}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *json = mem_printf("{" META ",\"status\":{\"conditions\":["
					"{\"status\":%s,\"type\":\"Ready\"}]}}",
		    cases[i].status);

		cr_assert_eq(node_of(json), 0);
		cr_assert_eq(node.ready, cases[i].ready, "%s", json);
		free(json);
	}
}

/* A condition may be named like a label, with a prefix of its own. */
Test(project, node_conditions_of_others)
{
	char name[317];
	char *json;

	memset(name, 'c', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	json = mem_printf("{" META ",\"status\":{\"conditions\":["
			  "{\"type\":\"%s\",\"status\":\"True\"},"
			  "{\"type\":\"Ready\",\"status\":\"True\"}]}}",
	    name);
	cr_assert_eq(node_of(json), 0);
	cr_assert_eq(node.ready, NODE_READY_TRUE);
	free(json);
}

/* Labels, taints or tolerations that do not fit together. */
#define MANY 200

/* `before`, then MANY times `open`, a key of the largest size, `close`, then `after`.
 */
static char *
big_object(const char *before, const char *open, const char *close, const char *after)
{
	struct buf buf;

	buf_init(&buf, TEXT_SIZE_MAX);
	buf_puts(&buf, before);
	for (int i = 0; i < MANY; i++) {
		buf_puts(&buf, i > 0 ? "," : "");
		buf_puts(&buf, open);
		buf_printf(&buf, "%0*d", (int)(NAME_MAX_LEN + 1 + LABEL_MAX_LEN), i);
		buf_puts(&buf, close);
	}
	buf_puts(&buf, after);
	return buf.data;
}

Test(project, node_with_too_much)
{
	char *json = big_object("{" META ",\"x\":{", "\"", "\":\"v\"", "}}");

	cr_assert_eq(node_of(json), 0);
	cr_assert_eq(node.oversize, 0, "only what is looked at counts");
	free(json);
	json =
	    big_object("{" META ",\"spec\":{\"taints\":[", "{\"key\":\"", "\"}", "]}}");
	cr_assert_eq(node_of(json), 0);
	cr_assert_eq(node.oversize, 1);
	cr_assert_eq(node.labels.len + node.taints.len, 0);
	cr_assert_str_eq(node.name, "n");
	free(json);
	json = big_object("{\"metadata\":{\"name\":\"m\",\"uid\":\"u\",\"labels\":{",
	    "\"", "\":\"v\"", "}}}");
	cr_assert_eq(node_of(json), 0);
	cr_assert_eq(node.oversize, 1);
	cr_assert_str_eq(node.name, "m");
	cr_assert_eq(node.labels.len, 0);
	free(json);
}

/* --- pods ---------------------------------------------------------------------------
 */

Test(project, pod)
{
	static const char json[] =
	    "{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"u\","
	    "\"labels\":{\"app\":\"a\",\"app.kubernetes.io/name\":\"b\","
	    "\"pod-template-hash\":\"c\",\"other\":\"d\"},"
	    "\"annotations\":{\"kubernetes.io/config.mirror\":\"x\"},"
	    "\"deletionTimestamp\":\"1970-01-01T00:00:30Z\","
	    "\"ownerReferences\":[{\"kind\":\"Other\",\"name\":\"o\",\"uid\":\"1\"},"
	    "{\"kind\":\"ReplicaSet\",\"name\":\"rs\",\"uid\":\"2\",\"controller\":"
	    "true},"
	    "{\"kind\":\"Last\",\"name\":\"l\",\"uid\":\"3\",\"controller\":false}]},"
	    "\"spec\":{\"nodeName\":\"node-a\",\"hostNetwork\":true,"
	    "\"tolerations\":[{\"operator\":\"Exists\"},{\"key\":\"k\","
	    "\"operator\":\"Equal\",\"value\":\"v\",\"effect\":\"NoExecute\","
	    "\"tolerationSeconds\":300}]},"
	    "\"status\":{\"phase\":\"Running\",\"podIP\":\"10.4.0.5\"}}";

	cr_assert_eq(pod_of(json), 0);
	cr_assert_str_eq(pod.name, "p");
	cr_assert_str_eq(pod.namespace, "ns");
	cr_assert_str_eq(pod.uid, "u");
	cr_assert_str_eq(pod.node, "node-a");
	cr_assert_str_eq(pod.ip, "10.4.0.5");
	cr_assert_str_eq(pod.label_app, "a");
	cr_assert_str_eq(pod.label_name, "b");
	cr_assert_str_eq(pod.template_hash, "c");
	cr_assert_str_eq(pod.owner_kind, "ReplicaSet");
	cr_assert_str_eq(pod.owner_name, "rs");
	cr_assert_str_eq(pod.owner_uid, "2");
	cr_assert_eq(pod.phase, POD_PHASE_RUNNING);
	cr_assert_eq(pod.mirror, 1);
	cr_assert_eq(pod.host_network, 1);
	cr_assert_eq(pod.deleting, 1);
	cr_assert_eq(pod.delete_at_ms, 30000);
	cr_assert_eq(pod.needs_label, 0);
	cr_assert_str_eq(joined(&pod.tolerations), "|Exists|||k|Equal|v|NoExecute|");
}

Test(project, pod_of_next_to_nothing)
{
	cr_assert_eq(pod_of("{" META "}"), 0);
	cr_assert_eq(pod.phase, POD_PHASE_UNKNOWN);
	cr_assert_eq(pod.deleting + pod.mirror + pod.host_network + pod.needs_label, 0);
	cr_assert_eq(pod.delete_at_ms, 0);
	cr_assert_eq(pod.tolerations.len, 0);
	cr_assert_str_empty(pod.node);
	cr_assert_str_empty(pod.owner_kind);
}

Test(project, pod_phases)
{
	static const char *const names[] = {[POD_PHASE_UNKNOWN] = "Strange",
	    [POD_PHASE_PENDING] = "Pending",
	    [POD_PHASE_RUNNING] = "Running",
	    [POD_PHASE_SUCCEEDED] = "Succeeded",
	    [POD_PHASE_FAILED] = "Failed"};

	for (int phase = POD_PHASE_UNKNOWN; phase <= POD_PHASE_FAILED; phase++) {
		char *json = mem_printf(
		    "{" META ",\"status\":{\"phase\":\"%s\"}}", names[phase]);

		cr_assert_eq(pod_of(json), 0);
		cr_assert_eq(pod.phase, phase);
		free(json);
	}
}

#define AFFINITY(kind, term)                                                           \
	"{" META ",\"spec\":{\"affinity\":{\"nodeAffinity\":{\"" kind "\":" term "}}}" \
	"}"
#define REQUIRED  "requiredDuringSchedulingIgnoredDuringExecution"
#define PREFERRED "preferredDuringSchedulingIgnoredDuringExecution"
#define EXPRESSION(key)                                                                \
	"{\"matchExpressions\":[{\"key\":\"" key "\",\"operator\":\"Exists\"}]}"

Test(project, pod_that_needs_the_label)
{
	static const struct {
		const char *json;
		int needs;
	} cases[] = {
	    {"{" META ",\"spec\":{\"nodeSelector\":{\"ip.ready\":\"true\"}}}", 1},
	    {"{" META ",\"spec\":{\"nodeSelector\":{\"ip.readyx\":\"true\"}}}", 0},
	    {"{" META ",\"spec\":{\"nodeSelector\":null,\"affinity\":null}}", 0},
	    {AFFINITY(REQUIRED, "{\"nodeSelectorTerms\":[" EXPRESSION(
				    "a") "," EXPRESSION("ip.ready") "]}"),
		1},
	    {AFFINITY(REQUIRED, "{\"nodeSelectorTerms\":[" EXPRESSION("ip") ",null]}"),
		0},
	    {AFFINITY(PREFERRED,
		 "[{\"weight\":1,\"preference\":" EXPRESSION("ip.ready") "}]"),
		0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cr_assert_eq(pod_of(cases[i].json), 0, "%s", cases[i].json);
		cr_assert_eq(pod.needs_label, cases[i].needs, "%s", cases[i].json);
	}
}

/* Those that fit, whole. */
Test(project, pod_with_too_many_tolerations)
{
	char *json = big_object("{" META ",\"spec\":{\"tolerations\":[", "{\"key\":\"",
	    "\",\"operator\":\"Exists\",\"effect\":\"E\"}", "]}}");
	size_t cursor = 0, count = 0;

	cr_assert_eq(pod_of(json), 0);
	while (pack_next(&pod.tolerations, &cursor) != NULL)
		count++;
	cr_assert_gt(count, 0);
	cr_assert_lt(count, 4 * MANY);
	cr_assert_eq(count % 4, 0);
	free(json);
}

/* --- allocations, and what is gone ---------------------------------------------------
 */

Test(project, allocation)
{
	static const char json[] =
	    "{\"metadata\":{\"name\":\"a\",\"uid\":\"u\",\"generation\":3,"
	    "\"resourceVersion\":\"17\"},\"spec\":{\"x\":[1,2,{}]},\"status\":null}";

	cr_assert_eq(project_allocation(json, strlen(json), &allocation), 0);
	cr_assert_str_eq(allocation.name, "a");
	cr_assert_str_eq(allocation.uid, "u");
	cr_assert_str_eq(allocation.resource_version, "17");
	cr_assert_eq(allocation.generation, 3);
}

Test(project, gone)
{
	static const char json[] = "{\"metadata\":{\"name\":\"a\",\"uid\":\"u\","
				   "\"namespace\":\"ns\",\"labels\":{\"x\":\"y\"}}}";

	cr_assert_eq(project_gone(json, strlen(json), FACT_KIND_POD, &gone), 0);
	cr_assert_eq(gone.kind, FACT_KIND_POD);
	cr_assert_str_eq(gone.name, "a");
	cr_assert_str_eq(gone.uid, "u");
	cr_assert_str_eq(gone.namespace, "ns");
}

/* --- what is refused -----------------------------------------------------------------
 */

#define KINDS 4

static int
project_kind(int kind, const char *json, size_t len)
{
	switch (kind) {
	case 0:
		return project_node(json, len, &node);
	case 1:
		return project_pod(json, len, &pod);
	case 2:
		return project_allocation(json, len, &allocation);
	default:
		return project_gone(json, len, FACT_KIND_NODE, &gone);
	}
}

Test(project, refuses)
{
	static const char *const texts[] = {"", "null", "[]", "1", "{}", "\"x\"",
	    "{\"metadata\":null}", "{\"metadata\":[]}", "{\"metadata\":{}}",
	    "{\"metadata\":{\"name\":\"n\"}}", "{\"metadata\":{\"uid\":\"u\"}}",
	    "{\"metadata\":{\"name\":\"\",\"uid\":\"u\"}}",
	    "{\"metadata\":{\"name\":null,\"uid\":\"u\"}}",
	    "{\"metadata\":{\"name\":1,\"uid\":\"u\"}}",
	    "{\"metadata\":{\"name\":\"a\\u0000b\",\"uid\":\"u\"}}",
	    "{\"metadata\":{\"name\":\"\xff\",\"uid\":\"u\"}}",
	    "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"}} x",
	    "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"},}",
	    "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"},\"x\":[1,2}}",
	    "{\"metadata\":{\"n\\u0061me\":\"n\",\"uid\":\"u\"}}"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		for (int kind = 0; kind < KINDS; kind++)
			cr_assert_eq(project_kind(kind, texts[i], strlen(texts[i])),
			    -EBADMSG, "%d: %s", kind, texts[i]);
}

#define IN_META(member)	  "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"," member
#define IN_SPEC(member)	  "{" META ",\"spec\":{" member
#define IN_STATUS(member) "{" META ",\"status\":{" member

/* As long as it may be it is taken; one byte more, and the object is refused. */
Test(project, refuses_long_texts)
{
	static const struct {
		int kind;
		const char *before;
		size_t most;
		const char *after;
	} cases[] = {
	    {0, IN_META("\"name\":\""), NAME_MAX_LEN, "\"}}"},
	    {1, IN_META("\"name\":\""), NAME_MAX_LEN, "\"}}"},
	    {1, IN_META("\"namespace\":\""), LABEL_MAX_LEN, "\"}}"},
	    {2, IN_META("\"uid\":\""), UID_MAX_LEN, "\"}}"},
	    {3, IN_META("\"uid\":\""), UID_MAX_LEN, "\"}}"},
	    {0, IN_SPEC("\"providerID\":\""), 255, "\"}}"},
	    {1, IN_SPEC("\"nodeName\":\""), NAME_MAX_LEN, "\"}}"},
	    {1, IN_STATUS("\"podIP\":\""), ADDRESS_MAX, "\"}}"},
	    {0, IN_META("\"labels\":{\"l\":\""), LABEL_MAX_LEN, "\"}}}"},
	    {0, IN_META("\"labels\":{\""), NAME_MAX_LEN + 1 + LABEL_MAX_LEN,
		"\":\"v\"}}}"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (size_t more = 0; more < 2; more++) {
			struct buf buf;

			buf_init(&buf, TEXT_SIZE_MAX);
			buf_puts(&buf, cases[i].before);
			for (size_t n = 0; n < cases[i].most + more; n++)
				buf_putc(&buf, 'x');
			buf_puts(&buf, cases[i].after);
			cr_assert_eq(project_kind(cases[i].kind, buf.data, buf.len),
			    more == 0 ? 0 : -EBADMSG, "%s", buf.data);
			buf_free(&buf);
		}
	}
}
