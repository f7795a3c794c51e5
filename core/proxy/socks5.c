/*
 * SOCKS5, RFC 1928 and 1929.
 *
 *     > 05 n methods             < 05 method
 *     > 01 n user n password     < 01 00                    only where asked for
 *     > 05 01 00 type addr port  < 05 reply 00 type addr port
 *
 * The address in the reply is of any type, a name too; exactly the reply is read, what follows is MTProto's.
 */
#include "core/proxy/impl.h"

#include <string.h>

enum { WAIT_METHOD, WAIT_AUTH, WAIT_REPLY };
enum { NO_AUTH = 0, USER_PASSWORD = 2 };

int mt_socks5_start(struct mt_proxy *p)
{
    static const uint8_t plain[] = {5, 1, NO_AUTH}, with_user[] = {5, 2, NO_AUTH, USER_PASSWORD};

    p->step = WAIT_METHOD;
    return p->cfg.user[0] ? mt_proxy_say(p, with_user, sizeof with_user)
                          : mt_proxy_say(p, plain, sizeof plain);
}

static int say_password(struct mt_proxy *p)
{
    size_t user = strlen(p->cfg.user), password = strlen(p->cfg.password);
    uint8_t out[3 + 2 * MT_PROXY_NAME_MAX];
    int err;

    /* each has one byte for its length, which may not be 0 */
    if (!user || !password)
        return mt_proxy_fail(p, MT_E_AUTH, "the SOCKS proxy wants a user and a password");
    out[0] = 1;
    out[1] = (uint8_t)user;
    memcpy(out + 2, p->cfg.user, user);
    out[2 + user] = (uint8_t)password;
    memcpy(out + 3 + user, p->cfg.password, password);
    err = mt_proxy_say(p, out, 3 + user + password);
    mt_wipe(out, sizeof out);
    p->step = WAIT_AUTH;
    return err;
}

static int say_target(struct mt_proxy *p)
{
    uint8_t out[7 + MT_PROXY_NAME_MAX] = {5, 1, 0};
    size_t n = mt_proxy_address(p->to.host, out + 4), at;

    if (n) {
        out[3] = n == 4 ? 1 : 4;
        at = 4 + n;
    } else {
        n = strlen(p->to.host);
        out[3] = 3;
        out[4] = (uint8_t)n;
        memcpy(out + 5, p->to.host, n);
        at = 5 + n;
    }
    out[at++] = (uint8_t)(p->to.port >> 8);
    out[at++] = (uint8_t)p->to.port;
    p->step = WAIT_REPLY;
    return mt_proxy_say(p, out, at);
}

static int on_method(struct mt_proxy *p, const uint8_t *in)
{
    if (in[0] != 5)
        return mt_proxy_fail(p, MT_E_PEER, "this is no SOCKS5 proxy");
    if (in[1] == NO_AUTH)
        return say_target(p);
    if (in[1] == USER_PASSWORD && p->cfg.user[0])
        return say_password(p);
    if (in[1] == 0xff || in[1] == USER_PASSWORD)
        return mt_proxy_fail(p, MT_E_AUTH,
                             p->cfg.user[0] ? "the SOCKS proxy takes no password"
                                            : "the SOCKS proxy wants a user and a password");
    return mt_proxy_fail(p, MT_E_PEER, "the SOCKS proxy chose what was not offered");
}

static const char *refusal(uint8_t reply)
{
    static const char *const text[] = {"fails",
                                       "does not allow this connection",
                                       "cannot reach the network",
                                       "cannot reach the host",
                                       "was refused by the host",
                                       "got no answer in time",
                                       "knows no such command",
                                       "knows no such address"};

    return reply >= 1 && reply <= 8 ? text[reply - 1] : "refuses";
}

/* 0: more bytes are needed to know. */
static size_t reply_size(const uint8_t *in, size_t n)
{
    if (n < 5)
        return 0;
    switch (in[3]) {
    case 1:
        return 4 + 4 + 2;
    case 3:
        return 5 + (size_t)in[4] + 2;
    case 4:
        return 4 + 16 + 2;
    }
    return 1; /* none that is known */
}

static int on_reply(struct mt_proxy *p, const uint8_t *in, size_t n)
{
    size_t want;

    if (in[0] != 5)
        return mt_proxy_fail(p, MT_E_PEER, "this is no SOCKS5 proxy");
    if (n >= 2 && in[1])
        return mt_proxy_fail(p, MT_E_PEER, "the SOCKS proxy %s", refusal(in[1]));
    want = reply_size(in, n);
    if (want == 1)
        return mt_proxy_fail(p, MT_E_PEER, "the SOCKS proxy answers with an unknown address");
    if (!want || n < want)
        return MT_OK;
    mt_buffer_drop(&p->in, want);
    p->state = MT_PROXY_OPEN;
    return MT_OK;
}

int mt_socks5_step(struct mt_proxy *p)
{
    int err = MT_OK;

    while (!err && p->state == MT_PROXY_HANDSHAKE) {
        const uint8_t *in = mt_buffer_front(&p->in);
        uint8_t head[2];

        if (p->step == WAIT_REPLY)
            return p->in.len ? on_reply(p, in, p->in.len) : MT_OK;
        if (p->in.len < 2)
            return MT_OK;
        memcpy(head, in, 2);
        mt_buffer_drop(&p->in, 2);
        if (p->step == WAIT_METHOD)
            err = on_method(p, head);
        else if (head[0] != 1 || head[1])
            err = mt_proxy_fail(p, MT_E_AUTH, "the SOCKS proxy refuses the user or the password");
        else
            err = say_target(p);
    }
    return err;
}
