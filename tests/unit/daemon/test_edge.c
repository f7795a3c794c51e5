#include "tests/unit/check.h"
#include "daemon/edge.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void a_notification_reaches_its_socket(void **state)
{
    char folder[] = "/tmp/tgd-notify-XXXXXX", text[128];
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    ssize_t n;
    int fd;

    assert_non_null(mkdtemp(folder));
    snprintf(at.sun_path, sizeof at.sun_path, "%s/s", folder);
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    tgd_notify("READY=1\nSTATUS=%d accounts", 3);
    n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    assert_true(n > 0);
    text[n] = 0;
    assert_string_equal(text, "READY=1\nSTATUS=3 accounts");
    close(fd);
    unlink(at.sun_path);
    rmdir(folder);

    /* nobody listens: nothing happens */
    tgd_notify("WATCHDOG=1");
    setenv("NOTIFY_SOCKET", "relative", 1);
    tgd_notify("WATCHDOG=1");
    unsetenv("NOTIFY_SOCKET");
}

static void the_watchdog_is_for_this_process_only(void **state)
{
    char pid[16];

    assert_int_equal(tgd_watchdog_interval(), 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(tgd_watchdog_interval(), 15000000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(tgd_watchdog_interval(), 0);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(tgd_watchdog_interval(), 15000000);
    setenv("WATCHDOG_USEC", "junk", 1);
    assert_int_equal(tgd_watchdog_interval(), 0);
}

static void handed_over_descriptors_are_counted_once(void **state)
{
    char pid[16], names[16];

    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_PID", "1", 1);
    assert_int_equal(tgd_listen_fds(names, sizeof names), 0);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDNAMES", "main:reader", 1);
    assert_int_equal(tgd_listen_fds(names, sizeof names), 2);
    assert_string_equal(names, "main:reader");
    assert_int_equal(tgd_listen_fds(names, sizeof names), 0);
    setenv("LISTEN_FDS", "-1", 1);
    setenv("LISTEN_PID", pid, 1);
    assert_int_equal(tgd_listen_fds(names, sizeof names), 0);
}

static void clocks_move_forward(void **state)
{
    struct mt_now a = tgd_now(), b = tgd_now();

    assert_true(b.mono >= a.mono);
    assert_true(a.wall > INT64_C(1700000000) * MT_US_PER_S);
}

static void no_random_bytes_are_given_out_twice(void **state)
{
    enum { N = 4000 };
    static uint64_t drawn[N];
    struct mt_env env;
    uint8_t large[32] = {0};

    tgd_env_init(&env);
    for (size_t i = 0; i < N; i++) {
        uint8_t odd[3];

        env.random(env.ctx, &drawn[i], sizeof drawn[i]);
        env.random(env.ctx, odd, i % 4); /* so that draws lie across the ends of the stock */
        for (size_t k = 0; k < i; k++)
            assert_true(drawn[i] != drawn[k]);
    }
    env.random(env.ctx, large, sizeof large);
    assert_true(memcmp(large, (uint8_t[32]){0}, sizeof large) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_notification_reaches_its_socket),
        cmocka_unit_test(no_random_bytes_are_given_out_twice),
        cmocka_unit_test(the_watchdog_is_for_this_process_only),
        cmocka_unit_test(handed_over_descriptors_are_counted_once),
        cmocka_unit_test(clocks_move_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
