#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "edge.h"
#include "exits.h"

#define RECORDS_MAX 16
#define SEALS_ALL   (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* What came from ipwarden-config, one line a record: "setting kube-host api.test",
 * "file 0 CA" (sealed, from its beginning), "path 1 tokens/t", "ready". */
struct told {
	char text[8192];
	size_t len;
};

static void __attribute__((format(printf, 2, 3)))
told_add(struct told *told, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(
	    told->text + told->len, sizeof told->text - told->len, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof told->text - told->len)
		end_test("told_add");
	told->len += (size_t)len;
}

static void
told_add_file(struct told *told, const struct control_record *record)
{
	char text[256] = {0};
	ssize_t len = read(record->fd, text, sizeof text - 1);
	int seals = fcntl(record->fd, F_GET_SEALS);

	told_add(told, "file %d %.*s%s\n", record->payload[0], len > 0 ? (int)len : 0,
	    text, (seals & SEALS_ALL) == SEALS_ALL ? "" : " (not sealed)");
	close(record->fd);
}

static void
told_add_record(struct told *told, const struct control_record *record)
{
	const char *rest = (const char *)record->payload + 1;
	int rest_len = record->len > 0 ? (int)record->len - 1 : 0;

	switch ((int)record->type) {
	case CONTROL_LOCKED:
		told_add(told, "locked\n");
		break;
	case CONTROL_SETTING:
		told_add(told, "setting %s %.*s\n",
		    setting_name((enum setting)record->payload[0]), rest_len, rest);
		break;
	case CONTROL_FILE:
		told_add_file(told, record);
		break;
	case CONTROL_PATH:
		told_add(told, "path %d %.*s\n", record->payload[0], rest_len, rest);
		break;
	case CONTROL_READY:
		told_add(told, "ready\n");
		break;
	default:
		told_add(told, "type %d\n", record->type);
	}
}

/* Its whole life with that kubeconfig and what it is told when it is locked; returns
 * its exit code. */
static int
run_config_told(const char *text, size_t len, enum control_type word,
    struct told *ret_told, struct child *ret_child)
{
	int fds[FD_FIXED_END], rc = 0;
	struct control_record record;

	memset(ret_told, 0, sizeof *ret_told);
	for (int i = 0; i < FD_FIXED_END; i++)
		fds[i] = -1;
	fds[FD_KUBECONFIG] = file_make(text, len);
	child_open(ret_child, "ipwarden-config", fds);
	close(fds[FD_KUBECONFIG]);
	while (rc >= 0 && wait_readable(ret_child->control, EDGE_WAIT_MS)) {
		rc = control_receive(ret_child->control, &record);
		if (rc == 1)
			told_add_record(ret_told, &record);
		if (rc == 1 && record.type == CONTROL_LOCKED)
			control_send(ret_child->control, word, NULL, 0, -1);
	}
	return child_wait(ret_child);
}

static int
run_config(const char *text, size_t len, struct told *ret_told, struct child *ret_child)
{
	return run_config_told(text, len, CONTROL_START, ret_told, ret_child);
}

#define CLUSTER(more)                                                                  \
	"clusters:\n- name: c\n  cluster:\n    server: https://api.test:6443\n" more
#define CONTEXT                                                                        \
	"current-context: x\ncontexts:\n- name: x\n"                                   \
	"  context: {cluster: c, user: u}\n"
#define USER(more) "users:\n- name: u\n  user:\n" more
#define TOKEN	   USER("    token: abc\n")

struct config_case {
	const char *name;
	const char *text;
	const char *told;   /* NULL: refused */
	const char *reason; /* part of it */
};

static const struct config_case cases[] = {
    {"inline credentials",
	CONTEXT CLUSTER("    certificate-authority-data: Q0E=\n")
	    USER("    token: abc\n    client-certificate-data: Q0VSVA==\n"
		 "    client-key-data: S0VZ\n"),
	"locked\nsetting kube-host api.test\nsetting kube-port 6443\n"
	"setting kube-tls-name api.test\nfile 0 CA\nfile 1 abc\nfile 2 CERT\n"
	"file 3 KEY\nready\n",
	NULL},
    {"files and another TLS name",
	CONTEXT CLUSTER("    certificate-authority: pki/ca.crt\n"
			"    tls-server-name: kubernetes\n")
	    USER("    token: abc\n    tokenFile: /run/t\n"
		 "    client-certificate: c.pem\n    client-key: ../k.pem\n"),
	"locked\nsetting kube-host api.test\nsetting kube-port 6443\n"
	"setting kube-tls-name kubernetes\npath 0 pki/ca.crt\npath 1 /run/t\n"
	"path 2 c.pem\npath 3 ../k.pem\nready\n",
	NULL},
    {"JSON, the only context",
	"{\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://[::1]/\"}}],"
	"\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\",\"user\":\"u\"}}]"
	","
	"\"users\":[{\"name\":\"u\",\"user\":{\"token\":\"abc\"}}]}",
	"locked\nsetting kube-host ::1\nsetting kube-port 443\n"
	"setting kube-tls-name ::1\nfile 1 abc\nready\n",
	NULL},
    {"an exec plugin", CONTEXT CLUSTER("") USER("    exec: {command: aws}\n"), NULL,
	"user \\\"u\\\": exec is not supported"},
    {"no such context", "current-context: y\n" CLUSTER("") TOKEN, NULL,
	"there is no context \\\"y\\\""},
    {"no such cluster", CONTEXT TOKEN, NULL, "there is no cluster \\\"c\\\""},
    {"no certificate check",
	CONTEXT CLUSTER("    insecure-skip-tls-verify: true\n") TOKEN,
	"locked\nsetting kube-host api.test\nsetting kube-port 6443\n"
	"setting kube-tls-name api.test\nsetting kube-insecure yes\nfile 1 "
	"abc\nready\n",
	NULL},
    {"no certificate check, in quotes",
	CONTEXT CLUSTER("    insecure-skip-tls-verify: 'true'\n") TOKEN, NULL,
	"cluster \\\"c\\\": insecure-skip-tls-verify is neither"},
    {"not YAML", "a: [", NULL, "line "},
    {"nothing", "", NULL, "the file is empty"},
};

static void
check_case(const struct config_case *one)
{
	struct told told;
	struct child child;
	int code = run_config(one->text, strlen(one->text), &told, &child);

	if (one->told != NULL) {
		tap_check(code == EXIT_OK && strcmp(told.text, one->told) == 0 &&
			      child.text_len == 0,
		    "config: %s (%d)", one->name, code);
		return;
	}
	tap_check(code == EXIT_CONFIG && strcmp(told.text, "locked\n") == 0 &&
		      strstr(child.text, "\"event\":\"kubeconfig_refused\"") != NULL &&
		      strstr(child.text, one->reason) != NULL,
	    "config: %s is refused (%d)", one->name, code);
}

/* The limit is 1 MiB; a long comment makes it more. */
static void
test_size(size_t len, bool good)
{
	static const char config[] = CONTEXT CLUSTER("") TOKEN "#";
	char *text = malloc(len);
	struct told told;
	struct child child;
	int code;

	if (text == NULL)
		end_test("malloc");
	memset(text, '#', len);
	memcpy(text, config, sizeof config - 1);
	code = run_config(text, len, &told, &child);
	free(text);
	tap_check(code == (good ? EXIT_OK : EXIT_CONFIG), "config: %zu bytes (%d)", len,
	    code);
}

/* Who looks at it must find it there. */
static void
test_start(void)
{
	static const char config[] = CONTEXT CLUSTER("") TOKEN;
	struct told told;
	struct child child;
	int code =
	    run_config_told(config, sizeof config - 1, CONTROL_STOP, &told, &child);

	tap_check(code == EXIT_ORPHAN && strcmp(told.text, "locked\n") == 0,
	    "config: nothing before it is let go on (%d)", code);
}

void
test_config(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_case(&cases[i]);
	test_start();
	test_size((size_t)1024 * 1024, true);
	test_size((size_t)1024 * 1024 + 1, false);
}
