#include "gcp_error.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The first row that fits counts. */
struct error_rule {
	int status;	  /* 0: any; 4, 5: any of that hundred */
	const char *code; /* any case; NULL: any */
	const char *text; /* somewhere in the message, any case; NULL: any */
	enum cloud_fault fault;
	const char *reason;
};

static const struct error_rule rules[] = {
    {0, NULL, "was not found in region", FAULT_FINAL, "AddressNotFound"},
    {0, NULL, "in-use and would result in a conflict", FAULT_FINAL, "InUse"},
    {0, NULL, "already being used by another resource", FAULT_FINAL, "InUse"},
    {0, "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", NULL, FAULT_FINAL, "InUse"},
    {0, "IP_IN_USE_BY_ANOTHER_RESOURCE", NULL, FAULT_FINAL, "InUse"},
    {0, "resourceInUseByAnotherResource", NULL, FAULT_FINAL, "InUse"},
    {0, NULL, "At most one access config", FAULT_REREAD, "TargetHasAddress"},
    {0, NULL, "network tier", FAULT_FINAL, "TierMismatch"},
    {0, NULL, "networkTier", FAULT_FINAL, "TierMismatch"},
    {0, "RESOURCE_NOT_READY", NULL, FAULT_BUSY, "ResourceNotReady"},
    {0, "resourceNotReady", NULL, FAULT_BUSY, "ResourceNotReady"},
    {401, NULL, NULL, FAULT_CREDENTIALS, "NoCredentials"},
    {403, "rateLimitExceeded", NULL, FAULT_THROTTLED, "Throttled"},
    {403, "userRateLimitExceeded", NULL, FAULT_THROTTLED, "Throttled"},
    {0, "RATE_LIMIT_EXCEEDED", NULL, FAULT_THROTTLED, "Throttled"},
    {429, NULL, NULL, FAULT_THROTTLED, "Throttled"},
    {403, "quotaExceeded", NULL, FAULT_FINAL, "QuotaExceeded"},
    {0, "QUOTA_EXCEEDED", NULL, FAULT_FINAL, "QuotaExceeded"},
    {0, "PERMISSIONS_ERROR", NULL, FAULT_FINAL, "NoPermission"},
    {403, NULL, NULL, FAULT_FINAL, "NoPermission"},
    {0, "RESOURCE_NOT_FOUND", NULL, FAULT_GONE, "NotFound"},
    {404, "notFound", NULL, FAULT_GONE, "NotFound"},
    {404, NULL, NULL, FAULT_FINAL, "CloudRefused"},
    {408, NULL, NULL, FAULT_TRANSIENT, "CloudUnreachable"},
    {409, NULL, NULL, FAULT_REREAD, "Conflict"},
    {412, NULL, NULL, FAULT_REREAD, "Conflict"},
    {4, NULL, NULL, FAULT_FINAL, "CloudRefused"},
    {5, NULL, NULL, FAULT_TRANSIENT, "CloudUnreachable"},
    {0, NULL, NULL, FAULT_FINAL, "CloudRefused"},
};

static bool
fits(const struct error_rule *rule, int status, const char *code, const char *message)
{
	if (rule->status != 0 && rule->status != status && rule->status != status / 100)
		return false;
	if (rule->code != NULL && strcasecmp(rule->code, code) != 0)
		return false;
	return rule->text == NULL || strcasestr(message, rule->text) != NULL;
}

/* "Required 'compute.instances.get' permission for …": what stands between the quotes.
 */
static int
name_permission(const char *message, char *out, size_t size)
{
	static const char before[] = "Required '";
	const char *start = strcasestr(message, before);
	size_t len;

	if (start == NULL)
		return 0;
	start += sizeof before - 1;
	len = strcspn(start, "'");
	if (start[len] == '\0' || len == 0 || len > 127)
		return 0;
	return snprintf(
	    out, size, "missing permission %.*s: %s", (int)len, start, message);
}

void
gcp_error_classify(
    struct cloud_answer *answer, int status, const char *code, const char *message)
{
	const struct error_rule *rule = rules;
	char text[2 * TEXT_MAX];

	while (!fits(rule, status, code, message))
		rule++;
	if (rule->fault == FAULT_FINAL && strcmp(rule->reason, "NoPermission") == 0 &&
	    name_permission(message, text, sizeof text) > 0)
		message = text;
	cloud_answer_fault(answer, rule->fault, rule->reason, message);
}
