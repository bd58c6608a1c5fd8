"""llama.cpp's tokens per second of processor time for one file, as JSON: prompt, output, output of eight.

Runs in an environment that has llama-cpp-python (see compare.py), on as many threads as are asked for. The same
passes as the example `speed` of vane-engine makes: one prompt of 256, 32 tokens of one and of eight sequences.
"""

import ctypes
import json
import sys
import time

import llama_cpp as llama

PROMPT, OUTPUT, SEQUENCES = 256, 32, 8


@ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
def errors_only(level, text, _):
    if level == 4:
        sys.stderr.write(text.decode())


def open_context(path, threads):
    llama.llama_backend_init()
    llama.llama_log_set(errors_only, None)
    model = llama.llama_model_load_from_file(path.encode(), llama.llama_model_default_params())
    if not model:
        sys.exit(f"llama.cpp does not open {path}")
    params = llama.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch = 4096, PROMPT, PROMPT
    params.n_threads = params.n_threads_batch = threads
    params.n_seq_max = SEQUENCES
    return llama.llama_init_from_model(model, params)


def run(context, steps):
    """One pass of steps of (token, position, sequence, whether it asks)."""
    batch = llama.llama_batch_init(len(steps), 0, 1)
    for number, (token, position, sequence, asks) in enumerate(steps):
        batch.token[number] = token
        batch.pos[number] = position
        batch.n_seq_id[number] = 1
        batch.seq_id[number][0] = sequence
        batch.logits[number] = asks
    batch.n_tokens = len(steps)
    if llama.llama_decode(context, batch) != 0:
        sys.exit("llama.cpp could not run a pass")
    llama.llama_synchronize(context)
    llama.llama_batch_free(batch)


def speed(context, tokens, passes):
    llama.llama_memory_clear(llama.llama_get_memory(context), True)
    start = time.process_time()
    for steps in passes:
        run(context, steps)
    return tokens / (time.process_time() - start)


def main():
    context = open_context(sys.argv[1], int(sys.argv[2]))
    run(context, [(300, 0, 0, 1)])
    prompt = [[(300 + at, at, 0, at == PROMPT - 1) for at in range(PROMPT)]]
    output = [[(300 + at, at, 0, 1)] for at in range(OUTPUT)]
    many = [[(300 + at, at, sequence, 1) for sequence in range(SEQUENCES)] for at in range(OUTPUT)]
    print(
        json.dumps(
            {
                "built_with": llama.llama_print_system_info().decode().strip(),
                "prompt": speed(context, PROMPT, prompt),
                "output": speed(context, OUTPUT, output),
                "output_of_eight": speed(context, OUTPUT * SEQUENCES, many),
            }
        )
    )


main()
