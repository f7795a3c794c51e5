/*
 * A data centre machine and a scripted server with a TCP connection between them, for test_dc*.c: frames on
 * both sides, the sandbox's half of the key exchange, and fake_server.h for what is said under the key.
 */
#pragma once

#include "tests/unit/mtproto/fake_server.h"

#include "core/mtproto/dc.h"
#include "tests/sandbox/keyx_server.h"

struct wire {
    struct fake f;
    struct mt_dc *dc;
    struct mt_frame *server; /* NULL: no connection */
    struct sb_keyx *keyx;
    struct mt_rsa *private, *public;
    struct mt_dc_event event;
    size_t chunk; /* bytes per feed, either way */
    struct sb_new_key new_key;
    bool have_new_key;
};

struct wire_cfg {
    bool no_key, keep, media, test;
    size_t chunk; /* 0 = all at once */
    enum mt_framing framing;
    bool obfuscated;
};

void wire_start(struct wire *w, const struct wire_cfg *cfg);
void wire_stop(struct wire *w);
/* The kind of the next event, which is in w->event. */
enum mt_dc_event_kind wire_event(struct wire *w);
/* The next event but TROUBLE and TIME. */
enum mt_dc_event_kind wire_calm_event(struct wire *w);
/* Expects CONNECT and connects. */
void wire_connect(struct wire *w);
void wire_link(struct wire *w); /* connects after a CONNECT that was seen */
/* The client's output to the server, the server's to the client, until both are quiet. */
void wire_pump(struct wire *w);
void wire_tick(struct wire *w, int64_t us);
void wire_close(struct wire *w); /* the server closes */
/* One message of the server under the key. Frees body. */
void wire_say(struct wire *w, unsigned kind, bool odd, struct tl_out *body);
void wire_answer(struct wire *w, uint64_t token);
void wire_pong(struct wire *w);
void wire_error(struct wire *w, int32_t code);
void wire_submit(struct wire *w, uint64_t token, unsigned flags, int64_t deadline);
/* CONNECT, pong, UP. */
void wire_up(struct wire *w);
