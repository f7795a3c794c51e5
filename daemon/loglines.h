/* The newest lines of the log, for tailLog: as they were written, so without secrets. Loop thread only. */
#pragma once

#include "core/env.h"

#define TGD_LOG_LINES 256

struct json_t;

/* `wall` in µs. A text that is too long is cut. */
void tgd_loglines_put(enum mt_log_level level, const char *area, const char *text, int64_t wall);
/* The newest `limit` of at least this level, oldest first: [{"time", "level", "area", "text"}]. A new
 * reference. */
struct json_t *tgd_loglines_json(enum mt_log_level least, size_t limit);
