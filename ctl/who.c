#include "who.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "find.h"
#include "leads.h"
#include "moment.h"
#include "option.h"
#include "show.h"

struct who {
	const char *kubeconfig;
	const char *at;
	const char *namespace;
	const char *lease;
	const char *form;
	bool local;

	struct answer answer;
};

static const struct option options[] = {
    {"at", OPTION_TEXT, offsetof(struct who, at),
	"of that time: 2026-11-28T10:03:00Z, \"2026-11-28 10:03\" (local), or\n"
	"                         how long ago, as 2h (default: now)"},
    {"o", OPTION_TEXT, offsetof(struct who, form), "table (the default) or json"},
    {"cm-namespace", OPTION_TEXT, offsetof(struct who, namespace),
	"of the ConfigMaps that --at is looked up in (default: default)"},
    {"local", OPTION_SWITCH, offsetof(struct who, local),
	"pod-ashiato-YYYYMMDDHH are hours of the local zone, not of UTC"},
    {"lease", OPTION_TEXT, offsetof(struct who, lease),
	"NAMESPACE/NAME of the Lease by which an ipwarden leads (default:\n"
	"                         " LEADS_LEASE ")"},
    {"kubeconfig", OPTION_TEXT, offsetof(struct who, kubeconfig),
	"the API server and its credentials (default: $KUBECONFIG, the pod's own,\n"
	"                         ~/.kube/config)"},
};

static const struct option_set set = {
    .usage =
	"Usage: ipwardenctl who ADDRESS|node/NAME|pod/NAMESPACE/NAME [OPTION]...\n"
	"\n"
	"On which node a public address is, or was, since when, and which pods ran\n"
	"there; which addresses a node has or had; or a pod, by its node.\n",
    .options = options,
    .count = sizeof options / sizeof *options,
};

/* --- what is asked ------------------------------------------------------------------
 */

static int
take_question(struct who *who, const char *word, bool *has_question)
{
	const char *why;

	if (*has_question)
		return option_refuse(&set, "one question at a time", word);
	*has_question = true;
	if (question_read(word, &who->answer.question, &why) < 0)
		return option_refuse(&set, why, word);
	return 0;
}

static int
check(struct who *who, bool has_question)
{
	int64_t now_ms = clock_wall().ms;

	who->answer.at_ms = now_ms;
	if (!has_question)
		return option_refuse(&set, "who", "about what?");
	if (strcmp(who->form, "table") != 0 && strcmp(who->form, "json") != 0)
		return option_refuse(&set, "no such form", who->form);
	if (!question_is_name(who->namespace, strlen(who->namespace)))
		return option_refuse(&set, "no namespace", who->namespace);
	if (who->at == NULL)
		return 0;
	if (question_time(who->at, now_ms, &who->answer.at_ms) < 0)
		return option_refuse(&set, "no time", who->at);
	if (who->answer.at_ms > now_ms || who->answer.at_ms <= 0)
		return option_refuse(&set, "nothing is known of that time", who->at);
	return 0;
}

/* Options come before the question and after it. */
static int
read_words(const char *const *argv, struct who *who)
{
	bool has_question = false;
	int rc;

	for (;;) {
		rc = option_read(&set, &argv, who);
		if (rc != 0)
			return rc;
		if (*argv == NULL)
			return check(who, has_question);
		rc = take_question(who, *argv++, &has_question);
		if (rc != 0)
			return rc;
	}
}

/* --- the answer ---------------------------------------------------------------------
 */

static int
print(const struct who *who)
{
	bool whole = true;

	show_begin();
	if (strcmp(who->form, "table") == 0)
		answer_print(&who->answer, stdout);
	else if (answer_print_json(&who->answer, stdout) < 0)
		whole = false;
	if (!whole)
		fputs("ipwardenctl: the answer is too long\n", stderr);
	if (show_end() < 0 || !whole)
		return EXIT_FAILURE;
	return answer_is_whole(&who->answer) ? EXIT_SUCCESS : WHO_NOT_KNOWN;
}

int
who_run(const char *const *argv)
{
	struct who who = {
	    .form = "table", .namespace = "default", .lease = LEADS_LEASE};
	int rc = read_words(argv, &who);
	struct find_place place;

	if (rc != 0) {
		if (rc > 0)
			option_usage(&set);
		return rc > 0 ? EXIT_SUCCESS : EXIT_CONFIG;
	}
	moment_zone(!who.local);
	place = (struct find_place){ask_new(who.kubeconfig), who.namespace, who.lease};
	if (place.ask == NULL)
		return EXIT_FAILURE;
	rc = who.at == NULL ? find_now(&place, &who.answer)
			    : find_then(&place, &who.answer);
	rc = rc < 0 ? EXIT_FAILURE : print(&who);
	answer_free(&who.answer);
	ask_free(place.ask);
	return rc;
}
