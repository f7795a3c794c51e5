/* Changes of the network (daemon/network.h): what the kernel may say, and what it does say. */
#include "tests/unit/check.h"
#include "daemon/network.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct message {
    struct nlmsghdr head;
    union {
        struct ifaddrmsg address;
        struct rtmsg route;
    } of;
    struct rtattr attr;
    uint32_t value;
};

static struct message address(int type, unsigned flags, uint32_t value)
{
    struct message m = {.head = {.nlmsg_len = sizeof m, .nlmsg_type = (uint16_t)type}};

    m.of.address = (struct ifaddrmsg){.ifa_family = AF_INET, .ifa_flags = (uint8_t)flags, .ifa_index = 2};
    /* the attributes of an address begin where its smaller head ends */
    m.head.nlmsg_len = NLMSG_LENGTH(sizeof m.of.address) + RTA_LENGTH(4);
    memcpy((char *)&m.of + sizeof m.of.address,
           &(struct rtattr){.rta_len = RTA_LENGTH(4), .rta_type = IFA_LOCAL}, sizeof(struct rtattr));
    memcpy((char *)&m.of + sizeof m.of.address + sizeof(struct rtattr), &value, 4);
    return m;
}

static struct message route(int type, int bits, uint32_t gateway)
{
    struct message m = {.head = {.nlmsg_len = sizeof m, .nlmsg_type = (uint16_t)type},
                        .attr = {.rta_len = RTA_LENGTH(4), .rta_type = RTA_GATEWAY},
                        .value = gateway};

    m.of.route = (struct rtmsg){.rtm_family = AF_INET,
                                .rtm_dst_len = (uint8_t)bits,
                                .rtm_type = RTN_UNICAST,
                                .rtm_table = RT_TABLE_MAIN};
    return m;
}

static bool take(struct tgd_network_seen *seen, struct message m)
{
    return tgd_network_take(seen, &m, m.head.nlmsg_len);
}

static void an_address_that_comes_or_goes_is_a_change_and_its_renewal_is_none(void **state)
{
    struct tgd_network_seen seen = {0};

    assert_false(take(&seen, address(RTM_NEWADDR, IFA_F_TENTATIVE, 1)));
    assert_true(take(&seen, address(RTM_NEWADDR, 0, 1)));
    assert_false(take(&seen, address(RTM_NEWADDR, 0, 1)));
    assert_true(take(&seen, address(RTM_NEWADDR, 0, 2)));
    assert_true(take(&seen, address(RTM_DELADDR, 0, 1)));
    assert_true(take(&seen, address(RTM_NEWADDR, 0, 1)));
    assert_true(take(&seen, address(RTM_DELADDR, 0, 77))); /* was there before we looked */
}

static void a_default_route_counts_and_others_do_not(void **state)
{
    struct tgd_network_seen seen = {0};

    assert_true(take(&seen, route(RTM_NEWROUTE, 0, 1)));
    assert_false(take(&seen, route(RTM_NEWROUTE, 0, 1)));
    assert_true(take(&seen, route(RTM_NEWROUTE, 0, 2)));
    assert_true(take(&seen, route(RTM_DELROUTE, 0, 1)));
    assert_false(take(&seen, route(RTM_NEWROUTE, 24, 9)));
}

static void a_broken_datagram_tells_nothing(void **state)
{
    struct tgd_network_seen seen = {0};
    struct message m = route(RTM_NEWROUTE, 0, 1);

    for (uint32_t n = 0; n < NLMSG_LENGTH(sizeof(struct rtmsg)); n++) {
        m.head.nlmsg_len = n;
        assert_false(tgd_network_take(&seen, &m, n));
    }
    m.head.nlmsg_len = 1000; /* longer than what came */
    assert_false(tgd_network_take(&seen, &m, sizeof m));
}

static void more_than_can_be_kept_is_told_again(void **state)
{
    struct tgd_network_seen seen = {0};

    for (uint32_t i = 0; i < 10 * TGD_NETWORK_SEEN; i++) {
        assert_true(take(&seen, address(RTM_NEWADDR, 0, i)));
        assert_in_range(seen.n, 1, TGD_NETWORK_SEEN);
    }
}

static void count(void *ctx)
{
    ++*(int *)ctx;
}

static void the_kernel_tells_of_an_address(void **state)
{
    struct ifreq r = {.ifr_name = "lo"};
    struct sockaddr_in *at = (struct sockaddr_in *)&r.ifr_addr;
    struct event_base *base;
    struct tgd_network *n;
    int fd, changes = 0;

    if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
        skip(); /* no network of our own to change */
    base = event_base_new();
    n = tgd_network_new(base, count, &changes);
    assert_non_null(n);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    r.ifr_flags = IFF_UP;
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &r), 0);
    at->sin_family = AF_INET;
    at->sin_addr.s_addr = htonl(0x0a090807);
    assert_int_equal(ioctl(fd, SIOCSIFADDR, &r), 0);
    while (!changes)
        event_base_loop(base, EVLOOP_ONCE);
    assert_int_equal(changes, 1); /* all of it is one */
    close(fd);
    tgd_network_free(n);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_that_comes_or_goes_is_a_change_and_its_renewal_is_none),
        cmocka_unit_test(a_default_route_counts_and_others_do_not),
        cmocka_unit_test(a_broken_datagram_tells_nothing),
        cmocka_unit_test(more_than_can_be_kept_is_told_again),
        cmocka_unit_test(the_kernel_tells_of_an_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
