/*
 * log - one line per thing worth knowing, on standard error.
 *
 * Lines carry the program, level and message; a supervisor (systemd) adds the
 * time.  Never patient data: callers name studies by id, people by login.  Text
 * from outside is cleaned on the way out.
 */
#ifndef WETREAD_LOG_H
#define WETREAD_LOG_H

enum log_level { LOG_NONE = -1, LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_open(const char *program, enum log_level upto);
void log_msg(enum log_level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_err(...)   log_msg(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_msg(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_msg(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_msg(LOG_DEBUG, __VA_ARGS__)

#endif
