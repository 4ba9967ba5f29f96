#include "cloud.h"

#include <stdlib.h>

struct op_facts {
	const char *name;
	const char *group;
	bool changes;
};

static const struct op_facts ops[CLOUD_OP_COUNT] = {
#define CLOUD_OP_FACTS(constant, name, group, changes) {name, group, changes},
    CLOUD_OP_LIST(CLOUD_OP_FACTS)
#undef CLOUD_OP_FACTS
};

const char *
cloud_op_name(enum cloud_op op)
{
	return ops[op].name;
}

const char *
cloud_op_group(enum cloud_op op)
{
	return ops[op].group;
}

bool
cloud_op_changes(enum cloud_op op)
{
	return ops[op].changes;
}

void
cloud_answer_init(struct cloud_answer *answer)
{
	*answer = (struct cloud_answer){.fault = FAULT_NONE};
}

void
cloud_answer_fault(struct cloud_answer *answer, enum cloud_fault fault,
    const char *reason, const char *message)
{
	answer->fault = fault;
	MESSAGE_TEXT(answer->reason, reason);
	MESSAGE_TEXT(answer->message, message);
}

void
cloud_answer_clear(struct cloud_answer *answer)
{
	free(answer->page.instances);
	free(answer->page.addresses);
	answer->page = (struct cloud_page){0};
}
