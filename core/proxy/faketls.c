/*
 * MTProxy's fake TLS (secrets that begin with ee): a TLS 1.3 handshake in looks, whose randoms prove to each
 * side that the other has the secret, then application records around the obfuscated stream.
 *
 *     > 16 03 01 ClientHello      < 16 03 03 ServerHello | 14 03 03 0001 01 | 17 03 03 (random)
 *     > 14 03 03 0001 01 | 17 03 03 n payload ...          < 17 03 03 n payload ...
 *
 * Of the answer, the 32 bytes at 11 are HMAC-SHA256(secret, client_random | the answer with these 32 zero).
 * A packet may span several records and a record several packets.
 */
#include "core/proxy/impl.h"

#include <string.h>

#define HEAD       5
#define RANDOM_AT  11
#define RECORD_OUT 2878          /* payload of a record of ours */
#define RECORD_IN  (16384 + 256) /* of theirs */
#define SHAKES_MAX 8             /* handshake records before the change of cipher */

enum { CHANGE_CIPHER = 0x14, ALERT = 0x15, SHAKE = 0x16, DATA = 0x17 };

static const uint8_t change_cipher[] = {CHANGE_CIPHER, 3, 3, 0, 1, 1};

int mt_faketls_start(struct mt_proxy *p, int64_t unix_s)
{
    uint8_t hello[MT_HELLO_MAX];
    size_t n = mt_hello_make(p->env, p->cfg.domain, p->cfg.small_hello, hello);

    if (!n)
        return mt_proxy_fail(p, MT_E_CRYPTO, "no greeting for the proxy could be made");
    mt_hello_sign(hello, n, p->cfg.secret, unix_s);
    memcpy(p->hello_random, hello + RANDOM_AT, sizeof p->hello_random);
    return mt_proxy_say(p, hello, n);
}

/* The length of the record that begins here with its head; 0: not all of it is there; < 0: it is none. */
static int record_at(const uint8_t *in, size_t n)
{
    size_t len;

    if (!in) /* nothing has come */
        return 0;
    if (n >= 1 && (in[0] < CHANGE_CIPHER || in[0] > DATA))
        return -1;
    if ((n >= 2 && in[1] != 3) || (n >= 3 && in[2] != 3))
        return -1;
    if (n < HEAD)
        return 0;
    len = (size_t)in[3] << 8 | in[4];
    if (len > RECORD_IN || (in[0] == CHANGE_CIPHER && len != 1))
        return -1;
    return n < HEAD + len ? 0 : (int)(HEAD + len);
}

static int no_proxy(struct mt_proxy *p)
{
    /* a wrong secret is answered like this: by the web site that the proxy pretends to be */
    return mt_proxy_fail(p, MT_E_AUTH, "the MTProxy does not prove that it has the secret");
}

static bool is_theirs(const struct mt_proxy *p, const uint8_t *answer, size_t n)
{
    static const uint8_t zeros[32];
    uint8_t want[32];
    struct mt_part parts[] = {{p->hello_random, sizeof p->hello_random},
                              {answer, RANDOM_AT},
                              {zeros, sizeof zeros},
                              {answer + RANDOM_AT + 32, n - RANDOM_AT - 32}};

    mt_hmac_sha256(want, p->cfg.secret, sizeof p->cfg.secret, parts, 4);
    return mt_equal(want, answer + RANDOM_AT, sizeof want);
}

int mt_faketls_step(struct mt_proxy *p)
{
    const uint8_t *in = mt_buffer_front(&p->in);
    size_t at = 0, shakes = 0;
    bool changed = false;

    for (;;) {
        int len = record_at(in + at, p->in.len - at);
        uint8_t type;

        if (len < 0)
            return no_proxy(p);
        if (!len)
            return MT_OK;
        type = in[at];
        at += (size_t)len;
        if (type == SHAKE && !changed && shakes < SHAKES_MAX && (shakes || len >= RANDOM_AT + 32))
            shakes++;
        else if (type == CHANGE_CIPHER && !changed && shakes)
            changed = true;
        else if (type == DATA && changed)
            break;
        else
            return no_proxy(p);
    }
    if (!is_theirs(p, in, at))
        return no_proxy(p);
    mt_buffer_drop(&p->in, at);
    p->state = MT_PROXY_OPEN;
    return mt_proxy_say(p, change_cipher, sizeof change_cipher);
}

int mt_faketls_unwrap(struct mt_proxy *p)
{
    while (p->in.len) {
        const uint8_t *in = mt_buffer_front(&p->in);
        int len = record_at(in, p->in.len);
        size_t n = (size_t)len - HEAD;
        uint8_t *room;

        if (len < 0 || (len && in[0] == SHAKE))
            return mt_proxy_fail(p, MT_E_PEER, "the MTProxy sends what is no record");
        if (!len)
            return MT_OK;
        if (in[0] == ALERT)
            return mt_proxy_fail(p, MT_E_PEER, "the MTProxy ends the connection with an alert");
        if (in[0] == DATA && n) {
            room = mt_buffer_room(&p->inner, n);
            if (!room)
                return mt_proxy_fail(p, MT_E_NOMEM, "no memory");
            memcpy(room, in + HEAD, n);
            mt_buffer_add(&p->inner, n);
        }
        mt_buffer_drop(&p->in, (size_t)len);
    }
    return MT_OK;
}

int mt_faketls_wrap(struct mt_proxy *p, const uint8_t *bytes, size_t n)
{
    size_t records = (n + RECORD_OUT - 1) / RECORD_OUT, total = n + records * HEAD;
    uint8_t *out = mt_buffer_room(&p->out, total);

    if (!out)
        return MT_E_NOMEM;
    while (n) {
        size_t len = n < RECORD_OUT ? n : RECORD_OUT;

        out[0] = DATA;
        out[1] = out[2] = 3;
        out[3] = (uint8_t)(len >> 8);
        out[4] = (uint8_t)len;
        memcpy(out + HEAD, bytes, len);
        out += HEAD + len;
        bytes += len;
        n -= len;
    }
    mt_buffer_add(&p->out, total);
    return MT_OK;
}
