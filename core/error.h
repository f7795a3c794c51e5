/*
 * One negative number for everything that can go wrong inside core/. What a *server* says went wrong is data
 * (struct mt_rpc_error), never one of these.
 */
#pragma once

enum mt_err {
    MT_OK = 0,
    MT_E_NOMEM = -64,     /* no memory; nothing was changed */
    MT_E_ARG = -65,       /* a caller's argument is out of range */
    MT_E_STATE = -66,     /* not possible in this state */
    MT_E_TOO_LARGE = -67, /* over a limit of ours or the protocol's */
    MT_E_CRYPTO = -68,    /* the crypto library refused; not the peer's fault */
    MT_E_PEER = -69,      /* bytes of the peer break the protocol */
    MT_E_AUTH = -70,      /* a hash, nonce or msg_key does not match */
    MT_E_DH = -71,        /* unsafe Diffie-Hellman parameters */
    MT_E_NO_KEY = -72,    /* the server offers no RSA key that we know */
    MT_E_TIMEOUT = -73,   /* no answer within its time */
    MT_E_ZLIB = -74,      /* packed data that does not unpack, or unpacks to too much */
    MT_E_NOT_FOUND = -75, /* no such row, peer, request */
};

/* English, lower case, static storage; also for the TL_E_* of tl/wire.h. Never NULL. */
const char *mt_strerror(int err);
