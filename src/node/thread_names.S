// The library that thread_names.c became, as bytes in the binary.
    .section .rodata
    .global faelled_thread_names
    .global faelled_thread_names_end
faelled_thread_names:
    .incbin FAELLED_THREAD_NAMES
faelled_thread_names_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
