/* The floor that bench/podtracker measures memory beside: the libraries that the
 * largest of our processes has, started, and no code of ours. Says "ready" and waits to
 * be ended. */
#include <curl/curl.h>
#include <json-c/json.h>
#include <nanomsg/nn.h>
#include <nanomsg/pair.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/capability.h>
#include <unistd.h>

int
main(void)
{
	CURLM *multi = NULL;
	CURL *easy = NULL;
	struct json_object *object = json_object_new_object();
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	cap_t caps = cap_get_proc();
	int pair = nn_socket(AF_SP, NN_PAIR);

	if (curl_global_init(CURL_GLOBAL_DEFAULT) == 0) {
		multi = curl_multi_init();
		easy = curl_easy_init();
	}
	if (multi == NULL || easy == NULL || object == NULL || filter == NULL ||
	    caps == NULL || pair < 0) {
		fputs("floor: a library does not start\n", stderr);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
