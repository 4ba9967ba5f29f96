# The pure core; reconciler/local.mk adds the shell, the lease and the allocation.
RECONCILER_CORE = \
	reconciler/core.c reconciler/core.h reconciler/effects.h reconciler/state.h \
	reconciler/facts.c reconciler/facts.h reconciler/pass.c reconciler/pass.h \
	reconciler/items.c reconciler/items.h \
	reconciler/calls.c reconciler/calls.h \
	reconciler/change.c reconciler/change.h \
	reconciler/orders.c reconciler/orders.h \
	reconciler/world.c reconciler/world.h reconciler/world_pod.c reconciler/world_pod.h \
	reconciler/table.c reconciler/table.h \
	reconciler/tracker.c reconciler/tracker.h \
	reconciler/slice.c reconciler/slice.h \
	reconciler/slice_call.c reconciler/slice_round.c reconciler/slice_state.h \
	reconciler/agent.c reconciler/agent.h \
	reconciler/slice_body.c reconciler/slice_body.h \
	reconciler/tracker_body.c reconciler/tracker_body.h \
	reconciler/tracker_json.c reconciler/tracker_json.h \
	reconciler/view.c reconciler/view.h \
	reconciler/holder.c reconciler/holder.h \
	reconciler/leave.c reconciler/leave.h \
	reconciler/match.c reconciler/match.h \
	reconciler/eligible.c reconciler/eligible.h \
	reconciler/plan.c reconciler/plan.h reconciler/planner.c reconciler/planner.h \
	reconciler/planner_release.c reconciler/release.c reconciler/release.h \
	reconciler/definition.c reconciler/definition.h \
	reconciler/finalizer.c reconciler/finalizer.h \
	reconciler/act.c reconciler/act.h reconciler/journal.c reconciler/journal.h \
	reconciler/journal_off.c reconciler/journal_place.c reconciler/journal_tell.c \
	reconciler/check.c reconciler/check.h \
	reconciler/fresh.c reconciler/fresh.h \
	reconciler/evict.c reconciler/evict.h reconciler/lost.c reconciler/lost.h \
	reconciler/labels.c reconciler/labels.h \
	reconciler/report.c reconciler/report.h \
	reconciler/events.c reconciler/events.h \
	reconciler/peers.c reconciler/peers.h \
	reconciler/handover.c reconciler/handover.h \
	reconciler/moves.c reconciler/moves.h \
	reconciler/trail.c reconciler/trail.h \
	reconciler/whereabouts.c reconciler/whereabouts.h \
	reconciler/place.c reconciler/place.h \
	reconciler/map.c reconciler/map.h
