/* Kubeconfigs: what is taken, and what is refused with which words. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "kubeconfig.h"
#include "server.h"
#include "tree.h"

/* A whole file from its parts; NULL is the usual one. */
static char *
make(const char *head, const char *cluster, const char *user)
{
	static char text[16384];

	snprintf(text, sizeof text,
	    "apiVersion: v1\nkind: Config\npreferences: {}\n%s"
	    "clusters:\n- name: other\n  cluster: {server: 'http://no'}\n"
	    "- name: c\n  cluster:\n%s"
	    "users:\n- name: other\n  user: {exec: {command: no}}\n"
	    "- name: u\n  user:\n%s",
	    head != NULL ? head
			 : "current-context: x\ncontexts:\n- name: x\n"
			   "  context: {cluster: c, user: u, namespace: n}\n",
	    cluster != NULL ? cluster : "    server: https://api.test:6443\n",
	    user != NULL ? user : "    token: abc\n");
	return text;
}

static void
refused(const char *text, const char *expected)
{
	char reason[KUBECONFIG_REASON_SIZE] = "";
	struct kubeconfig config;
	int rc = kubeconfig_read(text, strlen(text), &config, reason);

	cr_assert_eq(rc, -EINVAL, "taken: %s", text);
	cr_assert_not_null(
	    strstr(reason, expected), "\"%s\" does not say \"%s\"", reason, expected);
	cr_assert_null(strchr(reason, '\n'));
}

static struct kubeconfig
taken(const char *text)
{
	char reason[KUBECONFIG_REASON_SIZE] = "";
	struct kubeconfig config = {0};

	cr_assert_eq(
	    kubeconfig_read(text, strlen(text), &config, reason), 0, "%s", reason);
	return config;
}

#define SERVER "    server: https://api.test\n"

Test(kubeconfig, usual)
{
	struct kubeconfig config = taken(make(NULL, NULL, NULL));

	cr_assert_str_eq(config.host, "api.test");
	cr_assert_str_eq(config.port, "6443");
	cr_assert_str_eq(config.tls_name, "api.test");
	cr_assert_str_eq(config.files[FILE_KUBE_TOKEN].data, "abc");
	cr_assert_eq(config.files[FILE_KUBE_TOKEN].data_len, 3);
	cr_assert_null(config.files[FILE_KUBE_CA].data);
	cr_assert_null(config.files[FILE_KUBE_CA].path);
	kubeconfig_free(&config);
}

Test(kubeconfig, inline_wins_over_file_and_file_over_token)
{
	struct kubeconfig config = taken(make(NULL,
	    "    server: https://10.0.0.1\n    certificate-authority: ca.crt\n"
	    "    certificate-authority-data: Q0E=\n    tls-server-name: k8s\n"
	    "    insecure-skip-tls-verify: false\n    proxy-url: ''\n",
	    "    token: abc\n    tokenFile: /t\n    client-key: k\n"
	    "    client-certificate: c\n    client-key-data: S0VZ\n    exec: null\n"
	    "    auth-provider: ~\n    as: ''\n    as-groups: []\n"));

	cr_assert_str_eq(config.host, "10.0.0.1");
	cr_assert_str_eq(config.port, "443");
	cr_assert_str_eq(config.tls_name, "k8s");
	cr_assert_str_eq(config.files[FILE_KUBE_CA].data, "CA");
	cr_assert_null(config.files[FILE_KUBE_CA].path);
	cr_assert_str_eq(config.files[FILE_KUBE_TOKEN].path, "/t");
	cr_assert_null(config.files[FILE_KUBE_TOKEN].data);
	cr_assert_str_eq(config.files[FILE_KUBE_CLIENT_CERT].path, "c");
	cr_assert_str_eq(config.files[FILE_KUBE_CLIENT_KEY].data, "KEY");
	cr_assert_null(config.files[FILE_KUBE_CLIENT_KEY].path);
	kubeconfig_free(&config);
}

/* Whether that takes effect is the supervisor's to say. */
Test(kubeconfig, a_server_that_is_not_verified)
{
	struct kubeconfig config =
	    taken(make(NULL, SERVER "    insecure-skip-tls-verify: true\n", NULL));

	cr_assert(config.insecure);
	kubeconfig_free(&config);
	config =
	    taken(make(NULL, SERVER "    insecure-skip-tls-verify: false\n", NULL));
	cr_assert_not(config.insecure);
	kubeconfig_free(&config);
}

Test(kubeconfig, only_context)
{
	struct kubeconfig config = taken(make(
	    "contexts:\n- {name: z, context: {cluster: c, user: u}}\n", NULL, NULL));

	cr_assert_str_eq(config.host, "api.test");
	kubeconfig_free(&config);
}

Test(kubeconfig, contexts_refused)
{
	refused(make("contexts: []\n", NULL, NULL), "there is no context");
	refused(make("", NULL, NULL), "there is no context");
	refused(make("current-context: y\n", NULL, NULL), "there is no context \"y\"");
	refused(make("contexts:\n- {name: a, context: {}}\n- {name: b, context: {}}\n",
		    NULL, NULL),
	    "no current-context");
	refused(
	    make("current-context: [x]\n", NULL, NULL), "current-context is no text");
	refused(make("current-context: x\ncontexts: {}\n", NULL, NULL),
	    "contexts is no list");
	refused(make("current-context: x\ncontexts: [x]\n", NULL, NULL), "is no map");
	refused(make("current-context: x\ncontexts: [{context: {}}]\n", NULL, NULL),
	    "has no name");
	refused(make("current-context: x\ncontexts: [{name: x}]\n", NULL, NULL),
	    "context \"x\" is no map");
	refused(make("current-context: x\ncontexts: [{name: x, context: {}}, "
		     "{name: x, context: {}}]\n",
		    NULL, NULL),
	    "more than one context \"x\"");
	refused(make("current-context: x\ncontexts: [{name: x, context: {user: u}}]\n",
		    NULL, NULL),
	    "context \"x\" names no cluster");
	refused(make("current-context: x\ncontexts:\n"
		     "- {name: x, context: {cluster: gone, user: u}}\n",
		    NULL, NULL),
	    "there is no cluster \"gone\" (context \"x\")");
	refused(make("current-context: x\ncontexts:\n"
		     "- {name: x, context: {cluster: c, user: gone}}\n",
		    NULL, NULL),
	    "there is no user \"gone\" (context \"x\")");
}

Test(kubeconfig, clusters_refused)
{
	refused(make(NULL, "    server: http://api.test\n", NULL),
	    "cluster \"c\": it is no");
	refused(
	    make(NULL, "    server: api.test:6443\n", NULL), "cluster \"c\": it is no");
	refused(make(NULL, "    server: https://api.test/k8s/c\n", NULL), "a path");
	refused(make(NULL, "    server: ''\n", NULL), "cluster \"c\" has no server");
	refused(make(NULL, SERVER "    proxy-url: http://p\n", NULL), "proxy-url");
	refused(make(NULL, SERVER "    insecure-skip-tls-verify: 'true'\n", NULL),
	    "is neither true nor false");
	refused(make(NULL, SERVER "    insecure-skip-tls-verify: 'false'\n", NULL),
	    "is neither true nor false");
	refused(make(NULL, SERVER "    insecure-skip-tls-verify: [false]\n", NULL),
	    "is neither true nor false");
	refused(make(NULL,
		    SERVER "    insecure-skip-tls-verify: true\n"
			   "    certificate-authority: ca.crt\n",
		    NULL),
	    "cluster \"c\" has a certificate-authority and insecure-skip-tls-verify");
	refused(
	    make(NULL, SERVER "    tls-server-name: 'a b'\n", NULL), "no host name");
	refused(make(NULL, SERVER "    certificate-authority-data: Q0E\n", NULL),
	    "certificate-authority-data of cluster \"c\" is not base64");
	refused(make(NULL, SERVER "    certificate-authority: {a: b}\n", NULL),
	    "certificate-authority is no text");
	refused(make(NULL, SERVER "    certificate-authority: \"a\\tb\"\n", NULL),
	    "no path");
	refused(make(NULL, SERVER SERVER, NULL), "\"server\" stands twice");
}

Test(kubeconfig, users_refused)
{
	static const char *const keys[] = {"exec: {command: x}",
	    "auth-provider: {name: gcp}", "username: x", "password: x", "as: x",
	    "as-groups: [x]", "as-uid: x", "as-user-extra: {a: [b]}"};
	char user[128], expected[64];

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		snprintf(user, sizeof user, "    token: abc\n    %s\n", keys[i]);
		snprintf(expected, sizeof expected, "user \"u\": %.*s is not supported",
		    (int)strcspn(keys[i], ":"), keys[i]);
		refused(make(NULL, NULL, user), expected);
	}
	refused(make(NULL, NULL, "    {}\n"), "user \"u\" has no credentials");
	refused(make(NULL, NULL, "    token: ''\n"), "no credentials");
	refused(
	    make(NULL, NULL, "    token: \" \"\n"), "token of user \"u\" is malformed");
	refused(make(NULL, NULL, "    token: \"a\\nb\"\n"), "is malformed");
	refused(make(NULL, NULL, "    token: [a]\n"), "token is no text");
	refused(make(NULL, NULL, "    client-certificate: a\n"), "and no key");
	refused(make(NULL, NULL, "    client-key: a\n"), "and no certificate");
	refused(
	    make(NULL, NULL, "    client-certificate-data: '?'\n"), "is not base64");
	/* an empty key is nobody's inline token */
	refused(make(NULL, NULL, "    '': QUJD\n"), "no credentials");
}

Test(kubeconfig, secrets_are_not_told)
{
	char reason[KUBECONFIG_REASON_SIZE] = "";
	struct kubeconfig config;
	const char *text = make(
	    NULL, NULL, "    token: \"s3cret\\n1\"\n    client-key-data: s3cret!\n");

	cr_assert_eq(kubeconfig_read(text, strlen(text), &config, reason), -EINVAL);
	cr_assert_null(strstr(reason, "s3cret"));
}

Test(tree, refused)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
	    {"", "empty"},
	    {"# nothing", "empty"},
	    {"a: 1\n---\nb: 2\n", "a second document"},
	    {"a: &x 1\nb: *x\n", "aliases"},
	    {"a: 1\nb: 2\na: 3\n", "\"a\" stands twice"},
	    {"<<: {a: 1}\n", "merge keys"},
	    {"? [a]\n: b\n", "a key that is no text"},
	    {"a: !!binary Zm9v\n", "tags"},
	    {"a: \"x\\0y\"\n", "NUL"},
	    {"a: [\n", "line 2"},
	    {"\tx: 1", "line 1"},
	    {"a: \"\xff\"", "line "},
	};
	char reason[128];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tree *tree = tree_read(
		    cases[i].text, strlen(cases[i].text), reason, sizeof reason);

		cr_assert_null(tree, "case %zu", i);
		cr_assert_not_null(
		    strstr(reason, cases[i].reason), "case %zu: %s", i, reason);
	}
	cr_assert_null(tree_read("a\0b", 3, reason, sizeof reason));
}

static struct tree *
read_repeated(const char *piece, size_t count, char *reason)
{
	size_t len = strlen(piece);
	char *text = calloc(count, len);
	struct tree *tree;

	cr_assert_not_null(text);
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * len, piece, len);
	tree = tree_read(text, count * len, reason, 128);
	free(text);
	return tree;
}

Test(tree, bounds)
{
	char reason[128], keys[TREE_KEYS_MAX * 16 + 64];
	struct tree *tree;
	size_t len = 0;

	cr_assert_null(read_repeated("[", TREE_DEPTH_MAX + 1, reason));
	cr_assert_not_null(strstr(reason, "deeper"));
	cr_assert_null(read_repeated("- a\n", TREE_VALUES_MAX + 1, reason));
	cr_assert_not_null(strstr(reason, "values"));
	tree = read_repeated("- a\n", TREE_VALUES_MAX - 1, reason);
	cr_assert_not_null(tree);
	cr_assert_eq(tree->children_len, TREE_VALUES_MAX - 1);
	tree_free(tree);
	for (unsigned int i = 0; i <= TREE_KEYS_MAX; i++)
		len += (size_t)snprintf(keys + len, sizeof keys - len, "k%u: 1\n", i);
	cr_assert_null(tree_read(keys, len, reason, sizeof reason));
	cr_assert_not_null(strstr(reason, "keys in one map"));
}

Test(tree, values)
{
	static const char text[] = "a: ~\nb: '~'\nc: {d: [1, two]}\ne:\n";
	char reason[128];
	struct tree *tree = tree_read(text, sizeof text - 1, reason, sizeof reason);
	const struct tree *list;

	cr_assert_not_null(tree);
	cr_assert_null(tree_get(tree, "a"));
	cr_assert_null(tree_get(tree, "e"));
	cr_assert_null(tree_get(tree, "gone"));
	cr_assert_str_eq(tree_get(tree, "b")->text, "~");
	list = tree_get(tree_get(tree, "c"), "d");
	cr_assert_eq(list->kind, TREE_LIST);
	cr_assert_eq(list->children_len, 2);
	cr_assert_str_eq(list->first->next->text, "two");
	cr_assert_null(list->first->next->next);
	cr_assert_eq(list->line, 3);
	tree_free(tree);
	tree_free(NULL);
}

Test(base64, strict)
{
	static const struct {
		const char *text, *data; /* NULL: refused */
	} cases[] = {
	    {"", ""},
	    {"Zg==", "f"},
	    {"Zm8=", "fo"},
	    {"Zm9v", "foo"},
	    {"Zm9v\nYg==\n", "foob"},
	    {"+/+/", "\xfb\xff\xbf"},
	    {"Zg", NULL},
	    {"Zg=", NULL},
	    {"Zg===", NULL},
	    {"Zh==", NULL},
	    {"Zm9=", NULL},
	    {"Z", NULL},
	    {"====", NULL},
	    {"Zm9v=", NULL},
	    {"Zg==Zg==", NULL},
	    {"Zm 9v", NULL},
	    {"Zm-_", NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *data = NULL;
		size_t len = 99;
		int rc = base64_decode(cases[i].text, &data, &len);

		cr_assert_eq(
		    rc, cases[i].data != NULL ? 0 : -EINVAL, "%s", cases[i].text);
		if (rc == 0) {
			cr_assert_str_eq(data, cases[i].data);
			cr_assert_eq(len, strlen(cases[i].data));
		}
		free(data);
	}
}

Test(server, addresses)
{
	static const struct {
		const char *url, *host, *port; /* NULL: refused */
	} cases[] = {
	    {"https://api.test", "api.test", "443"},
	    {"HTTPS://API.test:06443/", "api.test", "6443"},
	    {"https://[2001:DB8::1]:8443", "2001:db8::1", "8443"},
	    {"https://10.0.0.1:1", "10.0.0.1", "1"},
	    {"https://", NULL, NULL},
	    {"https:///", NULL, NULL},
	    {"https://a:0", NULL, NULL},
	    {"https://a:65536", NULL, NULL},
	    {"https://a:", NULL, NULL},
	    {"https://a:1:2", NULL, NULL},
	    {"https://a:+1", NULL, NULL},
	    {"https://u@a", NULL, NULL},
	    {"https://a?x", NULL, NULL},
	    {"https://a/#", NULL, NULL},
	    {"https://a b", NULL, NULL},
	    {"https://a..b", NULL, NULL},
	    {"https://1.2.3", NULL, NULL},
	    {"https://2001:db8::1", NULL, NULL},
	    {"https://[10.0.0.1]", NULL, NULL},
	    {"https://[::1", NULL, NULL},
	    {"https://[::1]x", NULL, NULL},
	    {"https://[fe80::1%25eth0]", NULL, NULL},
	    {"http://a", NULL, NULL},
	    {"ftp://a", NULL, NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *host = NULL, port[6] = "";
		const char *why = server_parse(cases[i].url, &host, port);

		cr_assert_eq(why == NULL, cases[i].host != NULL, "%s", cases[i].url);
		if (why == NULL) {
			cr_assert_str_eq(host, cases[i].host);
			cr_assert_str_eq(port, cases[i].port);
		}
		free(host);
	}
}
