/* What the IP Address Controller does wrong with health and logs, and ipwarden must
 * not.
 */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <unistd.h>

#include "health.h"
#include "log.h"

Test(defect, 18a_health_can_fail)
{
	static struct health health;
	const struct mono_time now = {1};
	struct buf body;

	buf_init(&body, 4096);
	cr_assert_eq(health_healthz(&health, now, false, &body), 200);
	health_process(&health,
	    &(struct control_process){
		.role = ROLE_RECONCILER, .ready = true, .wedged = true},
	    now);
	buf_reset(&body);
	cr_assert_eq(health_healthz(&health, now, false, &body), 503,
	    "healthy, with a process that does not answer");
	cr_assert_str_eq(body.data, "unhealthy");
	buf_free(&body);
}

Test(defect, 18c_log_lines_hold_quotes)
{
	static const char said[] = "he said \"no\\yes\"\nand left";
	char line[4096];
	struct json_object *json;
	ssize_t len;
	int pipe_fds[2];

	cr_assert_eq(pipe(pipe_fds), 0);
	dup2(pipe_fds[1], STDERR_FILENO);
	log_error("test", LOG_S("message", said));
	len = read(pipe_fds[0], line, sizeof line - 1);
	cr_assert_gt(len, 0);
	line[len] = '\0';
	json = json_tokener_parse(line);
	cr_assert_not_null(json, "no JSON: %s", line);
	cr_assert_str_eq(
	    json_object_get_string(json_object_object_get(json, "message")), said);
	json_object_put(json);
}
