/*
 * sim_account [--seeds N] [--first N] [--step N] [--seed N]: runs N seeds from the first one, or a single one
 * with its story. Ends with "N passed, N failed"; a failing seed prints the line that runs it again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/account/asim.h"

int main(int argc, char **argv)
{
    uint64_t first = 1, seeds = 300, step = 1;
    struct asim_totals t = {0};
    bool verbose = false;
    char failure[256];

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t v = strtoull(argv[i + 1], NULL, 10);

        if (!strcmp(argv[i], "--seeds"))
            seeds = v;
        else if (!strcmp(argv[i], "--first"))
            first = v;
        else if (!strcmp(argv[i], "--step"))
            step = v;
        else if (!strcmp(argv[i], "--seed")) {
            first = v;
            seeds = 1;
            verbose = true;
        }
    }
    for (uint64_t i = 0; i < seeds; i++) {
        uint64_t seed = first + i * step;

        if (!asim_run(seed, verbose, failure, &t)) {
            printf("seed %llu: %s\n    again: %s --seed %llu\n", (unsigned long long)seed, failure, argv[0],
                   (unsigned long long)seed);
            fflush(stdout);
        }
    }
    printf("%llu writes, %llu sends (%llu said, %llu promised), %llu requests, %llu deaths, %llu links, "
           "%llu key exchanges, %llu logins lost, %llu holes told\n",
           (unsigned long long)t.happenings, (unsigned long long)t.sends, (unsigned long long)t.delivered,
           (unsigned long long)t.promised, (unsigned long long)t.calls, (unsigned long long)t.deaths,
           (unsigned long long)t.links, (unsigned long long)t.exchanges, (unsigned long long)t.logins,
           (unsigned long long)t.holes);
    printf("%u passed, %u failed\n", t.runs - t.failed, t.failed);
    return t.failed ? 1 : 0;
}
