# tests/regressions: what the IP Address Controller does wrong, one test a defect, and a
# patch that brings it back (README.md there).
REGRESSION_TESTS =

REGRESSION_TESTS += tests/regressions/test_reconciler
tests_regressions_test_reconciler_CPPFLAGS = $(tests_unit_test_core_CPPFLAGS)
tests_regressions_test_reconciler_CFLAGS = $(TESTS_CFLAGS)
tests_regressions_test_reconciler_LDADD = $(tests_unit_test_core_LDADD)
tests_regressions_test_reconciler_SOURCES = tests/regressions/defects_place.c \
	tests/regressions/defects_tracker.c \
	tests/regressions/defects_cluster.c reconciler/access.c reconciler/access.h \
	tests/unit/core_rig.c tests/unit/core_rig.h tests/unit/elect_rig.c \
	tests/unit/elect_rig.h tests/simulation/fake.c tests/simulation/fake.h \
	tests/simulation/fake_api.c tests/simulation/fake_cloud.c \
	tests/simulation/fake_facts.c tests/simulation/fake_judge.c \
	tests/simulation/fake_slice.c tests/simulation/fake_trail.c

REGRESSION_TESTS += tests/regressions/test_agent
tests_regressions_test_agent_CPPFLAGS = $(tests_unit_test_agent_CPPFLAGS)
tests_regressions_test_agent_CFLAGS = $(TESTS_CFLAGS)
tests_regressions_test_agent_LDADD = $(tests_unit_test_agent_LDADD)
tests_regressions_test_agent_SOURCES = tests/regressions/defects_agent.c \
	tests/unit/agent_rig.c tests/unit/agent_rig.h

REGRESSION_TESTS += tests/regressions/test_cloudworker
tests_regressions_test_cloudworker_CPPFLAGS = $(tests_unit_test_orders_CPPFLAGS)
tests_regressions_test_cloudworker_CFLAGS = $(TESTS_CFLAGS)
tests_regressions_test_cloudworker_LDADD = $(tests_unit_test_orders_LDADD)
tests_regressions_test_cloudworker_SOURCES = tests/regressions/defects_cloud.c \
	tests/unit/orders_rig.c tests/unit/orders_rig.h

REGRESSION_TESTS += tests/regressions/test_metricsd
tests_regressions_test_metricsd_CPPFLAGS = $(tests_unit_test_health_CPPFLAGS)
tests_regressions_test_metricsd_CFLAGS = $(TESTS_CFLAGS)
tests_regressions_test_metricsd_LDADD = $(tests_unit_test_health_LDADD) $(JSON_LIBS)
tests_regressions_test_metricsd_SOURCES = tests/regressions/defects_told.c

REGRESSION_TESTS += tests/regressions/test_footprint
tests_regressions_test_footprint_CPPFLAGS = $(tests_unit_test_store_CPPFLAGS) $(CTL_INC)
tests_regressions_test_footprint_CFLAGS = $(TESTS_CFLAGS)
tests_regressions_test_footprint_LDADD = ctl/libctl.a $(tests_unit_test_store_LDADD)
tests_regressions_test_footprint_SOURCES = tests/regressions/defects_footprint.c \
	tests/unit/store_rig.c tests/unit/store_rig.h http/json_read.c

if HAVE_CRITERION
check_PROGRAMS += $(REGRESSION_TESTS)
TESTS += $(REGRESSION_TESTS)
# Instrumented programs would show the same, ten times slower.
if !INSTRUMENTED
TESTS += tests/regressions/patches.sh
endif
endif
EXTRA_DIST += tests/regressions/README.md tests/regressions/patches.sh \
	tests/regressions/patches

tests/regressions/patches.log: $(REGRESSION_TESTS)
