/* Bodies in protobuf: kubectl and client-go send some built-in kinds so (since 1.32),
 * whatever the server says it takes. Those that they create are understood, and become
 * the JSON that the rest works on. Answers are always JSON, which they accept. */
#ifndef IPW_SIM_KUBE_PROTO_H
#define IPW_SIM_KUBE_PROTO_H

#include <json-c/json.h>
#include <stddef.h>

#define KUBE_PROTO_TYPE "application/vnd.kubernetes.protobuf"

/* Returns 0; -ENOTSUP for a kind that is not known here, -EINVAL for what is no
 * message. The caller owns *ret_json. Fields that are not known are left out.
 * Envelope: k8s.io/apimachinery/pkg/runtime/serializer/protobuf; numbers of the fields:
 * the generated.proto of each API group. */
int kube_proto_read(const char *data, size_t len, struct json_object **ret_json);

#endif
