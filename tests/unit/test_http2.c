/* Exchanges that share a connection: nghttpx (NGHTTPX) in front of the web server
 * speaks HTTP/2. Without it these tests are skipped. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "http_rig.h"
#include "mem.h"

/* Exchanges of one test. */
#define MANY 20

/* How long a pause is watched, and the longest turn of the loop (milliseconds). */
#define PAUSE_MS 1000
#define TURN_MS	 20

struct proxy {
	pid_t pid;
	uint16_t port;
	char dir[64];
};

static int
new_socket(uint16_t port, struct sockaddr_in *ret_address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	*ret_address = (struct sockaddr_in){
	    .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	return fd;
}

/* One of the kernel's; nghttpx does not ask for it itself. */
static uint16_t
free_port(void)
{
	struct sockaddr_in address;
	socklen_t len = sizeof address;
	int fd = new_socket(0, &address);

	cr_assert_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static void
write_text(const char *dir, const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", dir, name);
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
	free(path);
}

static void
wait_for_proxy(const struct proxy *proxy)
{
	int64_t end_ms = clock_mono().ms + PATIENCE_MS;
	bool stands = false;

	while (!stands && clock_mono().ms < end_ms) {
		struct sockaddr_in address;
		int fd = new_socket(proxy->port, &address);

		/* web.c's connect() is for descriptors that are connected */
		stands = syscall(SYS_connect, fd, &address, sizeof address) == 0;
		close(fd);
		if (!stands)
			usleep(10000);
	}
	cr_assert(stands, "nghttpx stands");
}

static void
start_proxy(struct proxy *proxy, const struct world *world)
{
	char *front = mem_printf("--frontend=127.0.0.1,%u", proxy->port);
	char *back = mem_printf("--backend=127.0.0.1,%u", web_port(world->web));
	char *key = mem_printf("%s/key", proxy->dir);
	char *cert = mem_printf("%s/cert", proxy->dir);

	proxy->pid = fork();
	cr_assert_geq(proxy->pid, 0);
	if (proxy->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing */
		execlp(getenv("NGHTTPX"), "nghttpx", "--single-process", "--no-ocsp",
		    "--conf=/dev/null", "--errorlog-file=/dev/null", front, back, key,
		    cert, (char *)NULL);
		_exit(127);
	}
	wait_for_proxy(proxy);
	free(front);
	free(back);
	free(key);
	free(cert);
}

static void
kill_proxy(struct proxy *proxy)
{
	cr_assert_eq(kill(proxy->pid, SIGKILL), 0);
	cr_assert_eq(waitpid(proxy->pid, NULL, 0), proxy->pid);
}

static void
open_world(struct world *world, struct proxy *proxy, web_fn *fn, void *arg)
{
	if (getenv("NGHTTPX") == NULL)
		cr_skip_test("no nghttpx");
	world_open(world, fn, arg, false);
	world->ca = web_pair_new("test CA", NULL);
	world->server = web_pair_new("server.test", &world->ca);
	*proxy = (struct proxy){.port = free_port(), .dir = "/tmp/ipwarden-h2.XXXXXX"};
	cr_assert_not_null(mkdtemp(proxy->dir));
	write_text(proxy->dir, "key", world->server.key);
	write_text(proxy->dir, "cert", world->server.cert);
	start_proxy(proxy, world);
	atomic_store(&world->dialer.port, proxy->port);
	http_target_free(world->target);
	world->target =
	    http_target_new(world->http, DIAL_COMPUTE, "https://server.test:4433");
	http_target_set_ca(world->target, world->ca.cert, strlen(world->ca.cert));
}

static void
close_world(struct world *world, struct proxy *proxy)
{
	static const char *const names[] = {"key", "cert"};

	kill_proxy(proxy);
	for (size_t i = 0; i < 2; i++) {
		char *path = mem_printf("%s/%s", proxy->dir, names[i]);

		unlink(path);
		free(path);
	}
	rmdir(proxy->dir);
	world_close(world);
}

/* /hold: a first piece, and then nothing. /stuck: nothing. /much: pieces as long as
 * somebody takes them. */
static void
answer(struct web_conn *conn, const struct web_request *request, void *arg)
{
	char block[10000];

	(void)arg;
	memset(block, 'x', sizeof block);
	if (strcmp(request->path, "/stuck") == 0) {
		web_wait_closed(conn);
	} else if (strcmp(request->path, "/hold") == 0) {
		web_begin_chunks(conn);
		web_chunk(conn, "x", 1);
		web_wait_closed(conn);
	} else if (strcmp(request->path, "/much") == 0) {
		web_begin_chunks(conn);
		while (web_chunk(conn, block, sizeof block))
			usleep(10000);
	} else {
		web_answer(conn, 200, "", "done");
	}
}

static void
hold(struct world *world, struct result *results, size_t count)
{
	for (size_t i = 0; i < count; i++)
		start(world, &results[i],
		    &(struct http_request){.path = "/hold", .data = on_data});
	for (size_t i = 0; i < count; i++)
		run_until(world, &results[i].pieces, 1);
}

static void
get_one(struct world *world)
{
	struct result result;

	get(world, &result, "/");
	cr_assert_eq(result.reply.error, 0, "%s", result.reply.detail);
	cr_assert_eq(result.reply.status, 200);
	buf_free(&result.body);
}

static void
forget(struct result *results, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_free(&results[i].body);
}

Test(http2, exchanges_share_a_connection, .timeout = 60)
{
	struct world world;
	struct proxy proxy;
	struct result results[MANY];

	open_world(&world, &proxy, answer, NULL);
	hold(&world, results, MANY);
	for (int i = 0; i < 5; i++)
		get_one(&world);
	cr_assert_eq(atomic_load(&world.dialer.asked), 1);
	close_world(&world, &proxy);
	forget(results, MANY);
}

Test(http2, a_broken_connection_ends_all_of_its_exchanges, .timeout = 60)
{
	struct world world;
	struct proxy proxy;
	struct result results[MANY], post;

	open_world(&world, &proxy, answer, NULL);
	hold(&world, results, MANY);
	start(
	    &world, &post, &(struct http_request){.method = "POST", .path = "/stuck"});
	while (web_requests(world.web) < MANY + 1)
		loop_run_once(world.loop, 20);
	kill_proxy(&proxy);
	run_until(&world, &post.done, 1);
	for (int i = 0; i < MANY; i++) {
		run_until(&world, &results[i].done, 1);
		cr_assert_eq(
		    results[i].reply.error, -ECONNRESET, "%s", results[i].reply.detail);
	}
	cr_assert_eq(post.reply.error, -ECONNRESET, "%s", post.reply.detail);
	cr_assert(post.reply.maybe_sent);
	start_proxy(&proxy, &world);
	get_one(&world);
	cr_assert_eq(web_requests(world.web), MANY + 2, "the POST was not sent again");
	close_world(&world, &proxy);
	forget(results, MANY);
	buf_free(&post.body);
}

/* The proxy lives, but one exchange times out: the next one does not share its
 * connection, those that work on it go on. */
Test(http2, a_silent_connection_is_left, .timeout = 60)
{
	struct world world;
	struct proxy proxy;
	struct result held, stuck;

	open_world(&world, &proxy, answer, NULL);
	hold(&world, &held, 1);
	start(&world, &stuck,
	    &(struct http_request){.path = "/stuck", .timeout_ms = 1000});
	run_until(&world, &stuck.done, 1);
	cr_assert_eq(stuck.reply.error, -ETIMEDOUT);
	cr_assert_eq(atomic_load(&world.dialer.asked), 1);
	get_one(&world);
	get_one(&world);
	cr_assert_eq(atomic_load(&world.dialer.asked), 2);
	cr_assert_eq(held.done, 0);
	close_world(&world, &proxy);
	forget(&held, 1);
	forget(&stuck, 1);
}

/* What cannot be opened is asked for once. */
Test(http2, who_waits_for_a_connection_fails_with_it, .timeout = 60)
{
	struct world world;
	struct proxy proxy;
	struct result results[MANY];

	open_world(&world, &proxy, answer, NULL);
	atomic_store(&world.dialer.error, EHOSTUNREACH);
	for (int i = 0; i < MANY; i++)
		start(&world, &results[i], &(struct http_request){.timeout_ms = 12000});
	for (int i = 0; i < MANY; i++) {
		run_until(&world, &results[i].done, 1);
		cr_assert_eq(results[i].reply.error, -EHOSTUNREACH);
	}
	cr_assert_eq(atomic_load(&world.dialer.asked), 1);
	atomic_store(&world.dialer.error, 0);
	get_one(&world);
	close_world(&world, &proxy);
	forget(results, MANY);
}

/* Who opens the connection is cancelled: the next one does it. */
Test(http2, who_waits_goes_on_when_the_opener_is_gone, .timeout = 60)
{
	struct world world;
	struct proxy proxy;
	struct result results[3];

	open_world(&world, &proxy, answer, NULL);
	atomic_store(&world.dialer.mute, true);
	for (int i = 0; i < 3; i++)
		start(&world, &results[i], &(struct http_request){.timeout_ms = 12000});
	while (atomic_load(&world.dialer.asked) == 0)
		loop_run_once(world.loop, 20);
	atomic_store(&world.dialer.mute, false);
	http_cancel(results[0].exchange);
	for (int i = 1; i < 3; i++) {
		run_until(&world, &results[i].done, 1);
		cr_assert_eq(results[i].reply.error, 0, "%s", results[i].reply.detail);
	}
	cr_assert_eq(atomic_load(&world.dialer.asked), 2);
	close_world(&world, &proxy);
	forget(results, 3);
}

/* A paused exchange does not keep the loop busy, whatever its neighbours do, and goes
 * on where it was. */
Test(http2, a_pause_costs_nothing, .timeout = 60)
{
	struct world world;
	struct proxy proxy;
	struct result much, paused;
	int64_t end_ms;
	int pieces, turns = 0;

	open_world(&world, &proxy, answer, NULL);
	start(&world, &much, &(struct http_request){.path = "/much", .data = on_data});
	start(
	    &world, &paused, &(struct http_request){.path = "/much", .data = on_data});
	while (much.pieces == 0)
		loop_run_once(world.loop, 20);
	paused.pauses = 1;
	while (paused.pauses > 0)
		loop_run_once(world.loop, 20);
	pieces = much.pieces;
	end_ms = clock_mono().ms + PAUSE_MS;
	for (; clock_mono().ms < end_ms; turns++)
		loop_run_once(world.loop, TURN_MS);
	pieces = much.pieces - pieces;
	cr_assert_leq(turns, pieces + 2 * PAUSE_MS / TURN_MS, "%d turns for %d pieces",
	    turns, pieces);
	http_resume(paused.exchange);
	pieces = paused.pieces;
	while (paused.pieces < pieces + 20 || much.pieces < pieces + 20)
		loop_run_once(world.loop, 20);
	close_world(&world, &proxy);
	forget(&much, 1);
	forget(&paused, 1);
}
