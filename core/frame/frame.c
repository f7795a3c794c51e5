#include "core/frame/frame.h"

#include "core/frame/buffer.h"
#include "core/frame/framing.h"
#include "core/frame/obfuscated.h"

#include <stdlib.h>
#include <string.h>

#define ENVELOPE_MIN 24

struct mt_frame {
    const struct mt_env *env;
    struct mt_frame_cfg cfg;
    bool server;
    bool known; /* the framing: at once in a client, learned in a server */
    bool failed, failure_told;
    int failure;
    struct mt_streams streams;
    struct mt_buffer in; /* decrypted as soon as the streams are known */
    struct mt_buffer out;
    uint32_t seq_in, seq_out;
    size_t handed; /* bytes at the front of `in` that the last event still lends out */
};

static void fail(struct mt_frame *f, int err)
{
    f->failed = true;
    f->failure = err;
}

/* --- beginning and end --- */

static int greet(struct mt_frame *f)
{
    uint8_t *room = mt_buffer_room(&f->out, MT_OBFUSCATED_HEAD);
    int err;

    if (!room)
        return MT_E_NOMEM;
    if (!f->cfg.obfuscated) {
        mt_buffer_add(&f->out, mt_framing_greeting(f->cfg.framing, room));
        return MT_OK;
    }
    err = mt_obfuscated_start(f->env, &f->cfg, room, &f->streams);
    if (!err)
        mt_buffer_add(&f->out, MT_OBFUSCATED_HEAD);
    return err;
}

struct mt_frame *mt_frame_new(const struct mt_env *env, const struct mt_frame_cfg *cfg)
{
    struct mt_frame *f;

    if (cfg->obfuscated && cfg->framing == MT_FULL)
        return NULL;
    f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->env = env;
    f->cfg = *cfg;
    f->known = true;
    if (greet(f))
        goto fail;
    return f;
fail:
    mt_frame_free(f);
    return NULL;
}

struct mt_frame *mt_frame_new_server(const struct mt_env *env, const uint8_t *secret)
{
    struct mt_frame *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->env = env;
    f->server = true;
    if (secret) {
        memcpy(f->cfg.secret, secret, sizeof f->cfg.secret);
        f->cfg.has_secret = true;
    }
    return f;
}

void mt_frame_free(struct mt_frame *f)
{
    if (!f)
        return;
    mt_streams_fini(&f->streams);
    mt_buffer_fini(&f->in);
    mt_buffer_fini(&f->out);
    mt_wipe(f, sizeof *f);
    free(f);
}

/* --- in --- */

int mt_frame_feed(struct mt_frame *f, const void *p, size_t n)
{
    uint8_t *room;

    if (f->failed || !n)
        return MT_OK;
    mt_buffer_drop(&f->in, f->handed);
    f->handed = 0;
    room = mt_buffer_room(&f->in, n);
    if (!room)
        return MT_E_NOMEM;
    if (f->streams.rx)
        mt_ctr_apply(f->streams.rx, p, room, n);
    else
        memcpy(room, p, n);
    mt_buffer_add(&f->in, n);
    return MT_OK;
}

static int learn_obfuscated(struct mt_frame *f)
{
    uint8_t *p = mt_buffer_front(&f->in);
    int err;

    if (mt_obfuscated_forbidden(p))
        return MT_E_PEER;
    if (f->in.len < MT_OBFUSCATED_HEAD)
        return MT_FRAMING_MORE;
    err = mt_obfuscated_accept(p, &f->cfg, &f->streams);
    if (err)
        return err;
    mt_buffer_drop(&f->in, MT_OBFUSCATED_HEAD);
    p = mt_buffer_front(&f->in);
    mt_ctr_apply(f->streams.rx, p, p, f->in.len);
    f->known = true;
    return MT_OK;
}

/* Server: which framing the first bytes speak of. MT_OK, MT_FRAMING_MORE or MT_E_*. */
static int learn(struct mt_frame *f)
{
    uint8_t *p = mt_buffer_front(&f->in);
    uint8_t greeting[4];

    if (!f->in.len)
        return MT_FRAMING_MORE;
    for (enum mt_framing framing = MT_ABRIDGED; framing != MT_FULL && !f->cfg.has_secret; framing++) {
        size_t n = mt_framing_greeting(framing, greeting);

        if (f->in.len >= n && memcmp(p, greeting, n) == 0) {
            f->cfg.framing = framing;
            f->known = true;
            mt_buffer_drop(&f->in, n);
            return MT_OK;
        }
    }
    if (f->in.len < 8)
        return MT_FRAMING_MORE;
    if (tl_load32(p + 4) == 0 && !f->cfg.has_secret) {
        f->cfg.framing = MT_FULL;
        f->known = true;
        return MT_OK;
    }
    return learn_obfuscated(f);
}

/* A body shorter than any envelope: an error, a token of padded intermediate, or nothing. */
static void short_packet(const struct mt_frame *f, const uint8_t *body, size_t n,
                         struct mt_frame_event *event)
{
    int32_t code = n >= 4 ? (int32_t)tl_load32(body) : 0;

    if (code == -1 && n >= 8 && f->cfg.framing == MT_PADDED && !f->server) {
        event->kind = MT_FRAME_QUICK_ACK;
        event->code = (int32_t)(tl_load32(body + 4) | UINT32_C(0x80000000));
    } else if (code < 0) {
        event->kind = MT_FRAME_ERROR;
        event->code = code;
    }
}

/* Takes the next frame apart. MT_FRAMING_MORE: it is not complete. An event of kind NONE: it meant nothing.
 */
static int take(struct mt_frame *f, struct mt_frame_event *event)
{
    struct mt_framing_head h;
    uint8_t *p = mt_buffer_front(&f->in);
    size_t whole, n;
    int err = mt_framing_parse(f->cfg.framing, !f->server, p, f->in.len, &h);

    if (err)
        return err;
    whole = h.head + h.body + h.tail;
    if (f->in.len < whole)
        return MT_FRAMING_MORE;
    if (f->cfg.framing == MT_FULL) {
        err = mt_framing_check_full(p, whole, f->seq_in++);
        if (err)
            return err;
    }
    f->handed = whole;
    if (h.is_token) {
        event->kind = MT_FRAME_QUICK_ACK;
        event->code = (int32_t)h.token;
        return MT_OK;
    }
    n = h.body;
    if (n >= ENVELOPE_MIN && f->cfg.framing == MT_PADDED)
        n = mt_framing_unpad(p + h.head, n);
    else if (n < ENVELOPE_MIN)
        short_packet(f, p + h.head, n, event);
    if (n >= ENVELOPE_MIN) {
        event->kind = MT_FRAME_PACKET;
        event->p = p + h.head;
        event->n = n;
        event->quick_ack_wanted = h.quick_ack;
    }
    return MT_OK;
}

void mt_frame_next(struct mt_frame *f, struct mt_frame_event *event)
{
    int err = MT_OK;

    *event = (struct mt_frame_event){0};
    while (!f->failed && event->kind == MT_FRAME_NONE) {
        mt_buffer_drop(&f->in, f->handed);
        f->handed = 0;
        if (!f->known)
            err = learn(f);
        if (!err)
            err = take(f, event);
        if (err == MT_FRAMING_MORE)
            return;
        if (err)
            fail(f, err);
    }
    if (f->failed && !f->failure_told) {
        f->failure_told = true;
        event->kind = MT_FRAME_FAILED;
        event->code = f->failure;
    }
}

/* --- out --- */

/* One frame: `n` bytes and `pad` random ones behind them. Nothing is changed where memory is short. */
static int put(struct mt_frame *f, const void *body, size_t n, size_t pad, bool quick_ack)
{
    uint8_t *room = mt_buffer_room(&f->out, MT_FRAMING_HEAD_MAX + n + pad + 4);
    size_t len;

    if (!room)
        return MT_E_NOMEM;
    len = mt_framing_put_head(f->cfg.framing, room, n + pad, quick_ack, f->seq_out++);
    if (n)
        memcpy(room + len, body, n);
    len += n;
    if (pad)
        f->env->random(f->env->ctx, room + len, pad);
    len += pad;
    len += mt_framing_put_tail(f->cfg.framing, room, len);
    if (f->streams.tx)
        mt_ctr_apply(f->streams.tx, room, room, len);
    mt_buffer_add(&f->out, len);
    return MT_OK;
}

/* A random number of padding bytes, at most `max` (a power of two less one), where the framing has them. */
static size_t draw_pad(const struct mt_frame *f, uint8_t max)
{
    uint8_t pad = 0;

    if (f->cfg.framing == MT_PADDED)
        f->env->random(f->env->ctx, &pad, 1);
    return pad & max;
}

int mt_frame_submit(struct mt_frame *f, const void *packet, size_t n, bool quick_ack)
{
    if (f->failed || !f->known)
        return MT_E_STATE;
    if (n % 4 != 0 || !n)
        return MT_E_ARG;
    if (n > (f->server ? MT_FRAME_MAX_IN : MT_FRAME_MAX_OUT))
        return MT_E_TOO_LARGE;
    return put(f, packet, n, draw_pad(f, MT_FRAMING_PAD_MAX), quick_ack && !f->server);
}

int mt_frame_submit_quick_ack(struct mt_frame *f, uint32_t token)
{
    uint8_t wire[8], *room;

    if (f->failed || !f->known || !f->server || f->cfg.framing == MT_FULL)
        return MT_E_STATE;
    token |= UINT32_C(0x80000000);
    if (f->cfg.framing == MT_PADDED) {
        tl_store32(wire, UINT32_MAX);
        tl_store32(wire + 4, token);
        return put(f, wire, 8, draw_pad(f, 7), false);
    }
    room = mt_buffer_room(&f->out, 4);
    if (!room)
        return MT_E_NOMEM;
    tl_store32(wire, token);
    for (size_t i = 0; i < 4; i++)
        room[i] = f->cfg.framing == MT_ABRIDGED ? wire[3 - i] : wire[i];
    if (f->streams.tx)
        mt_ctr_apply(f->streams.tx, room, room, 4);
    mt_buffer_add(&f->out, 4);
    return MT_OK;
}

int mt_frame_submit_error(struct mt_frame *f, int32_t code)
{
    uint8_t wire[4];

    if (f->failed || !f->known || !f->server)
        return MT_E_STATE;
    tl_store32(wire, (uint32_t)code);
    return put(f, wire, sizeof wire, draw_pad(f, MT_FRAMING_PAD_MAX), false);
}

struct tl_slice mt_frame_output(struct mt_frame *f)
{
    return (struct tl_slice){f->out.len ? mt_buffer_front(&f->out) : NULL, f->out.len};
}

void mt_frame_wrote(struct mt_frame *f, size_t n)
{
    mt_buffer_drop(&f->out, n < f->out.len ? n : f->out.len);
}

enum mt_framing mt_frame_framing(const struct mt_frame *f)
{
    return f->cfg.framing;
}

bool mt_frame_is_obfuscated(const struct mt_frame *f)
{
    return f->cfg.obfuscated;
}

int16_t mt_frame_dc(const struct mt_frame *f)
{
    return f->cfg.obfuscated ? f->cfg.dc : 0;
}
