#include "core/error.h"
#include "core/env.h"
#include "tl/wire.h"

#include <stdarg.h>
#include <stdio.h>

const char *mt_strerror(int err)
{
    switch ((enum mt_err)err) {
    case MT_OK:
        return "ok";
    case MT_E_NOMEM:
        return "out of memory";
    case MT_E_ARG:
        return "argument out of range";
    case MT_E_STATE:
        return "not possible in this state";
    case MT_E_TOO_LARGE:
        return "too large";
    case MT_E_CRYPTO:
        return "crypto library failed";
    case MT_E_PEER:
        return "the peer broke the protocol";
    case MT_E_AUTH:
        return "authentication of the peer's data failed";
    case MT_E_DH:
        return "unsafe Diffie-Hellman parameters";
    case MT_E_NO_KEY:
        return "no known RSA key offered";
    case MT_E_TIMEOUT:
        return "timed out";
    case MT_E_ZLIB:
        return "packed data is damaged or too large";
    case MT_E_NOT_FOUND:
        return "not found";
    }
    return tl_strerror(err);
}

void mt_logf(const struct mt_env *env, enum mt_log_level level, const char *area, const char *fmt, ...)
{
    char line[512];
    va_list ap;

    if (!env->log)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    env->log(env->ctx, level, area, line);
}
