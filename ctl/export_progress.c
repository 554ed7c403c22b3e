#include "ctl/export_progress.h"

#include "ctl/command.h"

#include <stdio.h>
#include <unistd.h>

#define SHOW_MICROSECONDS (G_USEC_PER_SEC / 5)
#define LINE_MESSAGES     1000
#define BAR_WIDTH         20
#define SECONDS_PER_HOUR  3600

void dm_progress_begin(DmProgress *progress, const char *what, guint total, gint64 total_bytes)
{
    *progress = (DmProgress){.what = what,
                             .terminal = isatty(STDERR_FILENO) == 1,
                             .total = total,
                             .total_bytes = total_bytes,
                             .begun = g_get_monotonic_time()};
}

static double seconds_of(const DmProgress *progress)
{
    return (double)(g_get_monotonic_time() - progress->begun) / G_USEC_PER_SEC;
}

static double megabytes(gint64 bytes)
{
    return (double)bytes / 1e6;
}

/* Of the work, 0 to 1: by bytes, as messages differ by a factor of 10,000, where the provider tells them. */
static double share_of(const DmProgress *progress)
{
    double share = progress->total > 0 ? (double)progress->done / progress->total : 0;

    if (progress->total_bytes > 0)
        share = (double)progress->bytes / (double)progress->total_bytes;
    return CLAMP(share, 0, 1);
}

static void print_bar(const DmProgress *progress)
{
    double seconds = seconds_of(progress);
    double share = share_of(progress);
    gint64 left = share > 0 ? (gint64)(seconds / share - seconds) : 0;
    int full = (int)(share * BAR_WIDTH);

    fprintf(stderr, "\r%s [%.*s%*s] %u/%u  %.1f MB  %.1f MB/s  %d:%02d:%02d left\033[K", progress->what, full,
            "####################", BAR_WIDTH - full, "", progress->done, progress->total, megabytes(progress->bytes),
            seconds > 0 ? megabytes(progress->bytes) / seconds : 0.0, (int)(left / SECONDS_PER_HOUR),
            (int)(left / 60 % 60), (int)(left % 60));
    (void)fflush(stderr);
}

void dm_progress_show(DmProgress *progress)
{
    gint64 now = g_get_monotonic_time();

    if (!progress->terminal || now - progress->shown < SHOW_MICROSECONDS)
        return;
    progress->shown = now;
    print_bar(progress);
}

void dm_progress_add(DmProgress *progress, gint64 bytes)
{
    progress->done++;
    progress->bytes += bytes;
    progress->total = MAX(progress->total, progress->done);
    dm_progress_show(progress);
    if (!progress->terminal && progress->done % LINE_MESSAGES == 0)
        fprintf(stderr, "%s: %s: %u of %u messages, %.1f MB, %.0f s\n", DM_CTL_NAME, progress->what, progress->done,
                progress->total, megabytes(progress->bytes), seconds_of(progress));
}

void dm_progress_clear(const DmProgress *progress)
{
    if (progress->terminal && progress->shown > 0)
        fputs("\r\033[K", stderr);
}
