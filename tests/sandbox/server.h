/*
 * The sandbox's data centres: the server's half of MTProto for any number of TCP connections, over one world
 * (world.h). Sans-IO: its owner (loop.c, or a simulation) accepts, reads and writes.
 *
 *     accept -> n            next_ready: which connections have output, or are to be closed
 *     feed(n, bytes)                 |
 *        v                           v
 *     frames -> key exchange (keyx_server.h)  |  auth key -> session -> checks -> messages
 *                                             |       -> service messages (service.c)
 *                                             |       -> RPC: wrappers off, sb_world_call (call.c)
 *     output(n), wrote(n)  <- frames <- packets, containers, gzip <- answers, updates, acks
 *
 * It checks everything that a real server checks and refuses as a real server does; `faults` (fault.h) makes
 * it misbehave on demand. Nothing a client sends can stop it. What its functions point at is borrowed until
 * the next call on the same server. Its clock is the caller's `now` plus what `advance` added.
 * Sources: https://core.telegram.org/mtproto/description, /mtproto/service_messages, protocol facts 3 to
 * 5, 16.
 */
#pragma once

#include "core/crypto/crypto.h"
#include "tests/sandbox/world.h"

struct sb_server;

struct sb_server_cfg {
    const struct mt_env *env;
    struct sb_world *world; /* borrowed */
    uint64_t seed;          /* chooses between forms: containers or single messages, gzip, foreign keys */
    const char *rsa_pem;    /* private key, 2048 bits */
    const int32_t *dcs;     /* the DC ids that this server is */
    size_t n_dcs;
    /* a call on a key without initConnection is refused (CONNECTION_NOT_INITED), and so is an unknown layer
     */
    bool strict;
    const char *mtproxy; /* its secret in hexadecimal, or NULL: there is none */
};

/* NULL: no memory, or the RSA key is none. */
struct sb_server *sb_server_new(const struct sb_server_cfg *cfg, struct mt_now now);
void sb_server_free(struct sb_server *s);

/* The public half of the RSA key as PEM, for servers.json; borrowed for the life of the server. */
const char *sb_server_public_pem(const struct sb_server *s);

/*
 * One TCP connection to DC `dc_id`: its number, never 0; 0 where there is no memory or no such DC. Numbers
 * are used again after sb_server_closed(), which the owner calls exactly once for each.
 */
uint32_t sb_server_accept(struct sb_server *s, struct mt_now now, int32_t dc_id);
/* The same through the MTProxy of `mtproxy` in the cfg; the client's header says which DC it wants. */
uint32_t sb_server_accept_proxied(struct sb_server *s, struct mt_now now);
void sb_server_feed(struct sb_server *s, struct mt_now now, uint32_t conn, const void *p, size_t n);
struct tl_slice sb_server_output(struct sb_server *s, uint32_t conn);
void sb_server_wrote(struct sb_server *s, uint32_t conn, size_t n);
void sb_server_closed(struct sb_server *s, struct mt_now now, uint32_t conn);

enum sb_close {
    SB_CLOSE_NO,
    SB_CLOSE_FLUSHED, /* when its output has been written */
    SB_CLOSE_NOW,     /* at once, output or not */
};
enum sb_close sb_server_wants_close(const struct sb_server *s, uint32_t conn);
/* A connection whose output or wish to be closed changed since it was last named here; 0 = none. */
uint32_t sb_server_next_ready(struct sb_server *s);

/* A DC that was told to move to another address and that its owner has not moved yet; 0 = none. */
int32_t sb_server_next_move(struct sb_server *s);

/* Does what is due at sb_server_deadline() (mono of the caller's clock; MT_NEVER). */
void sb_server_tick(struct sb_server *s, struct mt_now now);
int64_t sb_server_deadline(const struct sb_server *s);

/*
 * One request of the control socket, of either half. A new reference, or NULL and err[] (with *code: -32601
 * unknown method, -32602 bad parameters, 1 refused).
 */
json_t *sb_server_control(struct sb_server *s, struct mt_now now, const char *method, const json_t *params,
                          int *code, char err[256]);
