#include "allocation_rig.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "mem.h"

struct allocation *
rig_parse(const char *json)
{
	struct json_object *object = json_tokener_parse(json);
	struct allocation *allocation;

	cr_assert_neq(object, NULL, "%s", json);
	allocation = allocation_parse(object);
	json_object_put(object);
	return allocation;
}

struct allocation *
rig_parse_parts(const char *spec, const char *status)
{
	char *text = mem_printf("%s\"spec\":{%s}%s%s}", HEAD, spec,
	    status != NULL ? ",\"status\":" : "", status != NULL ? status : "");
	struct allocation *allocation = rig_parse(text);

	free(text);
	cr_assert_neq(allocation, NULL);
	return allocation;
}
