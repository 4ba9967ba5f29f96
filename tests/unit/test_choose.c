/* Which pods have footprints. */
#include "choose.h"

#include <criterion/criterion.h>
#include <string.h>

#include "project.h"

static struct settings settings;

static void
end(void)
{
	settings_free(&settings);
}

TestSuite(choose, .fini = end);

static bool
chosen(const char *json)
{
	static struct msg_fact_pod pod;
	struct choose *choose = choose_new(&settings);
	bool is_chosen;

	cr_assert_eq(project_pod(json, strlen(json), &pod), 0, "%s", json);
	is_chosen = choose_pod(choose, &pod, json, strlen(json));
	choose_free(choose);
	return is_chosen;
}

#define POD(namespace, name, labels)                                                   \
	"{\"metadata\":{\"name\":\"" name                                              \
	"\",\"namespace\":\"" namespace "\",\"uid\":\"u\",\"labels\":" labels "}}"

Test(choose, none_unless_they_are_kept)
{
	settings_set(&settings, SETTING_FOOTPRINT_NAME, "sip");
	cr_assert_not(chosen(POD("voice", "sip-0", "null")));
}

Test(choose, all_unless_less_is_asked_for)
{
	settings_set(&settings, SETTING_STORE_IN_CM, "yes");
	cr_assert(chosen(POD("voice", "sip-0", "null")));
}

Test(choose, by_namespace_and_name)
{
	settings_set(&settings, SETTING_STORE_IN_CM, "yes");
	settings_set(&settings, SETTING_FOOTPRINT_NAMESPACE, "voice");
	settings_set(&settings, SETTING_FOOTPRINT_NAME, "sip");
	cr_assert(chosen(POD("voice", "sip-0", "null")));
	cr_assert_not(chosen(POD("voice", "rtp-sip", "null")));
	cr_assert_not(chosen(POD("voice-lab", "sip-0", "null")));
}

Test(choose, by_labels)
{
	settings_set(&settings, SETTING_STORE_IN_CM, "yes");
	settings_set(&settings, SETTING_FOOTPRINT_LABEL, "app in (sip,rtp),tier!=dev");
	cr_assert(chosen(POD("voice", "a", "{\"x\":\"y\",\"app\":\"sip\"}")));
	cr_assert_not(chosen(POD("voice", "a", "{\"app\":\"sip\",\"tier\":\"dev\"}")));
	cr_assert_not(chosen(POD("voice", "a", "{\"app\":\"web\"}")));
	cr_assert_not(chosen(POD("voice", "a", "null")));
	cr_assert_not(chosen("{\"spec\":{\"labels\":{\"app\":\"sip\"}},\"metadata\":{"
			     "\"name\":\"a\",\"uid\":\"u\"}}"));
}
