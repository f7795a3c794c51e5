/*
 * sim [--seeds N] [--first N] [--step N] [--seed N]: runs N seeds from the first one, or a single one with
 * its story. Ends with "N passed, N failed"; a failing seed prints the line that runs it again.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    uint64_t first = 1, seeds = 300, step = 1;
    struct sim_totals totals = {0};
    bool verbose = false;
    char failure[256];

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
    for (uint64_t seed = first; seed < first + seeds * step; seed += step)
        if (!sim_run(seed, verbose, failure, &totals))
            printf("seed %llu: %s\n    again: %s --seed %llu\n", (unsigned long long)seed, failure, argv[0],
                   (unsigned long long)seed);
    printf("%llu requests: %llu results, %llu errors (%llu duplicates), %llu unknown, %llu not sent, "
           "%llu abandoned; %llu links\n",
           (unsigned long long)totals.requests, (unsigned long long)totals.results,
           (unsigned long long)totals.errors, (unsigned long long)totals.duplicates,
           (unsigned long long)totals.unknown, (unsigned long long)totals.not_sent,
           (unsigned long long)totals.abandoned, (unsigned long long)totals.links);
    printf("%u passed, %u failed\n", totals.runs - totals.failed, totals.failed);
    return totals.failed ? 1 : 0;
}
