/* SPDX-License-Identifier: MIT */
/* A system whose calls fail at the test's choice. A test that is linked with this has its own
 * open(), fsync() and so on, which stand before those of the C library. */
#ifndef TESTS_SYSTEM_FAULTS_H
#define TESTS_SYSTEM_FAULTS_H

typedef enum system_call {
    CALL_NONE,
    CALL_OPEN,
    CALL_FSTAT,
    CALL_LSTAT,
    CALL_FLOCK,
    CALL_FSYNC,
    CALL_FTRUNCATE,
    CALL_PWRITE,
    CALL_PREAD,
    CALL_RENAME,
    CALL_THREAD,
    CALL_MUTEX,
    CALL_AFFINITY
} system_call;

/* Calls first, first + 1, ... first + times - 1 of this kind, counted from 0, fail with this error.
 * Where error is 0, a call to read or write handles half of the bytes instead. */
typedef struct system_fault {
    system_call call;
    unsigned first;
    unsigned times;
    int error;
    unsigned met; /* calls of this kind so far */
} system_fault;

extern system_fault fault;

/* What sysconf() tells of the processors; 0: the truth. */
extern long processors_online;

/* Only these calls fail from now on. */
void set_fault(system_call call, unsigned first, unsigned times, int error);

#endif
