#include "kube.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "client.h"
#include "log.h"
#include "mem.h"
#include "worker.h"

struct kube *
kube_new(struct loop *loop, struct http *http, const struct settings *settings,
    const char *process)
{
	const char *host =
	    settings_get(settings, SETTING_KUBE_HOST, "kubernetes.default.svc");
	const char *name = settings_get(settings, SETTING_KUBE_TLS_NAME, host);
	int port = (int)settings_number(settings, SETTING_KUBE_PORT, 1, 65535, 443);
	bool bare_ipv6 = strchr(name, ':') != NULL && name[0] != '[';
	char *authority = bare_ipv6 ? mem_printf("[%s]:%d", name, port)
				    : mem_printf("%s:%d", name, port);
	char *url = mem_printf("https://%s", authority);
	struct http_target *target = http_target_new(http, DIAL_KUBE, url);
	struct kube *kube;

	free(url);
	if (target == NULL) {
		free(authority);
		return NULL;
	}
	if (settings_get(settings, SETTING_KUBE_INSECURE, NULL) != NULL)
		http_target_set_insecure(target);
	kube = mem_calloc(1, sizeof *kube);
	kube->loop = loop;
	kube->target = target;
	kube->host = authority;
	kube->user_agent = mem_printf("User-Agent: ipwarden-%s/%s", process,
	    settings_get(settings, SETTING_VERSION, "unknown"));
	TAILQ_INIT(&kube->calls);
	TAILQ_INIT(&kube->waiting);
	kube->call_timer = loop_timer_new(loop, kube_calls_turn, kube);
	TAILQ_INIT(&kube->informers);
	return kube;
}

static void
wipe(char **text, size_t *len)
{
	if (*text != NULL)
		explicit_bzero(*text, *len);
	free(*text);
	*text = NULL;
	*len = 0;
}

void
kube_free(struct kube *kube)
{
	if (kube == NULL)
		return;
	while (!TAILQ_EMPTY(&kube->informers))
		kube_informer_free(TAILQ_FIRST(&kube->informers));
	kube_calls_free(kube);
	loop_timer_free(kube->call_timer);
	http_target_free(kube->target);
	wipe(&kube->cert, &kube->cert_len);
	wipe(&kube->key, &kube->key_len);
	free(kube->user_agent);
	free(kube->host);
	free(kube);
}

void
kube_measure(struct kube *kube, kube_measure_fn *fn, void *arg)
{
	kube->measure = fn;
	kube->measure_arg = arg;
}

void
kube_measured(const struct kube *kube, const char *method, int error, int status)
{
	char code[16] = "<error>";

	if (kube->measure == NULL)
		return;
	if (error == 0)
		snprintf(code, sizeof code, "%d", status);
	kube->measure(kube->measure_arg, code, method, kube->host);
}

static int
set_token(struct kube *kube, const char *token, size_t len)
{
	while (len > 0 && isspace((unsigned char)token[len - 1]))
		len--;
	return http_target_set_bearer(kube->target, token, len);
}

/* Keeps one half of the client certificate, and uses both as soon as they fit: while
 * they are rotated, a new half stands for a moment beside the other's old one. Takes
 * `text`. */
static void
set_half(struct kube *kube, char **half, size_t *half_len, char *text, size_t len)
{
	wipe(half, half_len);
	*half = text;
	*half_len = len;
	if (kube->cert == NULL || kube->key == NULL)
		return;
	if (http_client_fits(kube->cert, kube->cert_len, kube->key, kube->key_len))
		http_target_set_client(
		    kube->target, kube->cert, kube->cert_len, kube->key, kube->key_len);
	else
		log_info("kube_client_pair_incomplete",
		    LOG_N("certificate_bytes", kube->cert_len));
}

static void
hurry_informers(struct kube *kube)
{
	struct kube_informer *informer = TAILQ_FIRST(&kube->informers);

	for (; informer != NULL; informer = kube_informer_next(informer))
		kube_informer_hurry(informer);
}

static int
use_file(struct kube *kube, enum file_kind kind, char **text, size_t *len)
{
	int rc = 0;

	if (kind == FILE_KUBE_CA) {
		http_target_set_ca(kube->target, *text, *len);
	} else if (kind == FILE_KUBE_TOKEN) {
		rc = set_token(kube, *text, *len);
	} else if (kind == FILE_KUBE_CLIENT_CERT) {
		set_half(kube, &kube->cert, &kube->cert_len, *text, *len);
		*text = NULL;
	} else {
		set_half(kube, &kube->key, &kube->key_len, *text, *len);
		*text = NULL;
	}
	if (rc == 0) {
		kube->credentials++;
		hurry_informers(kube);
	}
	return rc;
}

int
kube_set_file(struct kube *kube, enum file_kind kind, int fd)
{
	char *text = NULL;
	size_t len = 0;
	int rc;

	if (kind != FILE_KUBE_CA && kind != FILE_KUBE_TOKEN &&
	    kind != FILE_KUBE_CLIENT_CERT && kind != FILE_KUBE_CLIENT_KEY) {
		close(fd);
		return 0;
	}
	rc = worker_read_file(fd, CREDENTIAL_MAX, &text, &len);
	if (rc == 0)
		rc = use_file(kube, kind, &text, &len);
	if (rc < 0)
		log_error("kube_credential_refused", LOG_N("kind", kind),
		    LOG_S("error", strerror(-rc)));
	wipe(&text, &len);
	return rc;
}

char *
kube_escape(const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	char *escaped = mem_calloc(3 * strlen(text) + 1, 1);
	char *at = escaped;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c < 0x80 && isalnum(c)) || strchr("-._~", c) != NULL) {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = digits[c >> 4];
		*at++ = digits[c & 15];
	}
	return escaped;
}
