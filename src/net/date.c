/* SPDX-License-Identifier: MIT */
/* strftime() would write the names of days and months in the language that the program has set. */
#include "net/date.h"

#include <stdio.h>
#include <time.h>

#define LAST_SECOND UINT64_C(253402300799) /* of 9999 */

void ys_date_format(uint64_t unix_time_s, char to[YS_DATE_CHARS + 1])
{
    static const char weekdays[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[][4] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
    };
    time_t time_s = (time_t)(unix_time_s < LAST_SECOND ? unix_time_s : LAST_SECOND);
    char text[96]; /* as much as these numbers could take, for all that the compiler knows */
    struct tm parts;

    gmtime_r(&time_s, &parts);
    snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT", weekdays[parts.tm_wday], parts.tm_mday,
             months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    snprintf(to, YS_DATE_CHARS + 1, "%.*s", YS_DATE_CHARS, text);
}
