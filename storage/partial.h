/*
 * The folder in which a backup grows, NAME.partial-XXXXXX beside its place: held by a flock on itself while
 * its maker lives, its place noted in the state folder (backup.partial). One that nobody holds was left by a
 * process that died: it goes at the next start on that state folder and at the next backup to that NAME.
 * Only ever a folder of that name, ours, closed to others, that has nothing in it but what a backup makes.
 */
#pragma once

/* Makes a part for `to`, says which, and holds it: a descriptor, or -1 and errno. */
int store_partial_make(const char *state_dir, const char *to, char part[4096]);
/* It was put in its place, or goes: no more is known of it. Closes the descriptor. */
void store_partial_end(const char *state_dir, int fd);
/* What died processes left beside `to`. */
void store_partial_clean(const char *to);
/* What the last run on this state folder left. */
void store_partial_recover(const char *state_dir);
/* Files and folders below `path`, and itself; links are not followed. */
void store_remove_tree(const char *path);
