#include "core/account/servers.h"

#include <string.h>

/*
 * What is published for the first contact (protocol.md 2.1, 2.2). Port 443; addresses.c tries 80 and 5222
 * after it, where a network lets only those through.
 */
static const struct {
    int32_t dc_id;
    const char *ip;
    bool ipv6;
} addresses[] = {
    {1, "149.154.175.50", false},       {1, "149.154.175.53", false},
    {2, "149.154.167.51", false},       {2, "149.154.167.50", false},
    {2, "95.161.76.100", false},        {3, "149.154.175.100", false},
    {4, "149.154.167.91", false},       {4, "149.154.167.92", false},
    {5, "149.154.171.5", false},        {5, "91.108.56.191", false},
    {1, "2001:b28:f23d:f001::a", true}, {2, "2001:67c:4e8:f002::a", true},
    {3, "2001:b28:f23d:f003::a", true}, {4, "2001:67c:4e8:f004::a", true},
    {5, "2001:b28:f23f:f005::a", true},
};

static const char production_key[] = "-----BEGIN RSA PUBLIC KEY-----\n"
                                     "MIIBCgKCAQEA6LszBcC1LGzyr992NzE0ieY+BSaOW622Aa9Bd4ZHLl+TuFQ4lo4g\n"
                                     "5nKaMBwK/BIb9xUfg0Q29/2mgIR6Zr9krM7HjuIcCzFvDtr+L0GQjae9H0pRB2OO\n"
                                     "62cECs5HKhT5DZ98K33vmWiLowc621dQuwKWSQKjWf50XYFw42h21P2KXUGyp2y/\n"
                                     "+aEyZ+uVgLLQbRA1dEjSDZ2iGRy12Mk5gpYc397aYp438fsJoHIgJ2lgMv5h7WY9\n"
                                     "t6N/byY9Nw9p21Og3AoXSL2q/2IJ1WRUhebgAdGVMlV1fkuOQoEzR7EdpqtQD9Cs\n"
                                     "5+bfo3Nhmcyvk5ftB0WkJ9z6bNZ7yxrP8wIDAQAB\n"
                                     "-----END RSA PUBLIC KEY-----\n";

#define N_ADDRESSES (sizeof addresses / sizeof *addresses)

struct mt_servers *mt_servers_builtin(void)
{
    struct mt_servers *s = mt_servers_make(N_ADDRESSES, 1);

    if (!s)
        return NULL;
    for (size_t i = 0; i < N_ADDRESSES; i++) {
        struct mt_server *out = &s->list[s->n++];

        out->dc_id = addresses[i].dc_id;
        out->port = 443;
        out->ipv6 = addresses[i].ipv6;
        memcpy(out->ip, addresses[i].ip, strlen(addresses[i].ip) + 1);
    }
    s->default_dc = 2;
    s->keys[0] = mt_rsa_from_pem(production_key, sizeof production_key - 1);
    if (!s->keys[0]) {
        mt_servers_free(s);
        return NULL;
    }
    s->n_keys = 1;
    return s;
}
