/* The roles that a world starts with: some of those that every API server makes, and
 * those that ipwarden is deployed with. */
#ifndef IPW_SIM_KUBE_ROLES_H
#define IPW_SIM_KUBE_ROLES_H

#include "kube_world.h"

void kube_roles_install(struct sim_kube *kube);
/* Binds the user to the role; SIM_ROLE_ADMIN has no binding, but a group. */
void kube_roles_bind(struct sim_kube *kube, const char *user, enum sim_role role);
/* The group of users with that role, "" = none. */
const char *kube_roles_group(enum sim_role role);

#endif
