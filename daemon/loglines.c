#include "daemon/loglines.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "daemon/edge.h"

static struct {
    int64_t wall;
    enum mt_log_level level;
    char area[16];
    char text[224];
} lines[TGD_LOG_LINES];
static size_t written; /* in all */

void tgd_loglines_put(enum mt_log_level level, const char *area, const char *text, int64_t wall)
{
    size_t i = written++ % TGD_LOG_LINES;

    lines[i].wall = wall;
    lines[i].level = level;
    snprintf(lines[i].area, sizeof lines[i].area, "%s", area);
    snprintf(lines[i].text, sizeof lines[i].text, "%s", text);
}

/* What came from outside may be cut inside a character. */
static json_t *text_json(const char *text)
{
    json_t *s = json_string(text);
    char clean[sizeof lines[0].text];

    if (s)
        return s;
    snprintf(clean, sizeof clean, "%s", text);
    for (char *p = clean; *p; p++)
        if ((unsigned char)*p > 0x7e)
            *p = '?';
    return json_string(clean);
}

struct json_t *tgd_loglines_json(enum mt_log_level least, size_t limit)
{
    size_t kept = written < TGD_LOG_LINES ? written : TGD_LOG_LINES, from = written, n = 0;
    json_t *items = json_array();

    while (from > written - kept && n < limit)
        n += lines[--from % TGD_LOG_LINES].level >= least;
    for (; items && from < written; from++) {
        size_t i = from % TGD_LOG_LINES;

        if (lines[i].level >= least)
            json_array_append_new(items, json_pack("{s:I,s:s,s:s,s:o}", "time",
                                                   (json_int_t)(lines[i].wall / MT_US_PER_S), "level",
                                                   tgd_log_level_name(lines[i].level), "area", lines[i].area,
                                                   "text", text_json(lines[i].text)));
    }
    return items;
}
