"""What stands between the page and the internet: filtered requests, checked inputs, errors that are shown to the user.

Most of it relies on undocumented parts of Gradio, which may change with any release. `requirements.txt` pins the
release. To upgrade, change the pin there and in the README's front matter, then check each of these parts; the tests
named with a part fail if it has changed.

`request_filter`
    Paths: a test names the routes that a new release has opened; the page's network log shows those that it needs and
    the filter does not allow (status 404). Answers: the page shows `error` of a failed request outside the queue and
    `detail` of one in it; Gradio answers a body of the wrong form with 422. `session_hash` names the session in bodies
    and in queries; `/queue/data` is the stream of a session's events. Middleware is passed as `app_kwargs` of `launch`.
    Tests: `tests/ui/test_app.py`, `tests/ui/test_request_filter.py`, `tests/e2e/test_bad_input.py`.
`bounded_protocol`
    uvicorn's `H11Protocol`: `connections`, `cycle` and `timeout_keep_alive_task`; `HTTP_PROTOCOLS` names the protocol
    of the server that Gradio starts. Tests: `tests/ui/test_bounded_protocol.py`, `tests/ui/test_app.py`.
`guarded_queue`
    `Queue`: that `start_processing` ends at an error; `pending_messages_per_session` and `pending_event_ids_session`,
    which are read by session; that an event which is not `alive` ends; `sleep_when_free` and
    `progress_update_sleep_when_free`, the seconds between two looks for events and for progress. Tests:
    `tests/ui/test_guarded_queue.py`.
`guarded_blocks`
    `Blocks.preprocess_data` and `Blocks.postprocess_data`: their arguments; that Gradio fetches what a `path` in the
    inputs names, if `is_http_url_like`; that a copy of a `BlockFunction` with fewer `outputs` is enough to process
    fewer outputs; and that a session has components of its own, `state[block._id]`. `gr.Error.print_exception`: that
    False keeps the traceback out of the log. Tests: `tests/ui/test_guarded_blocks.py`, `tests/e2e/test_bad_input.py`,
    which also reads the log; speed: `benchmarks/ui_overhead.py`, `benchmarks/load_test.py`.
`components/image_upload`, `sketchpad`
    `GRADIO_CACHE` is the folder of uploads, which `GRADIO_TEMP_DIR` sets; `preprocess` of the former runs in a thread.
    In the page, `window.gradio_config` has `root`, `api_prefix` and `max_file_size`; the route `upload` answers with a
    list of paths. Tests: `tests/e2e/test_bad_input.py`, `tests/e2e/test_image_upload.py`.
`components/image_upload`, `model_choice`, `percent_slider`
    `is_template` makes the page render a subclass as its parent; `get_config` reads the names of constructor arguments.
    Tests: the page shows these components at all.
`components/header`
    The script shows the errors of events outside the queue, which Gradio's page drops: the event `error` of any
    component is a message for the user. Test: `tests/e2e/test_faults.py`.
`components/base`
    `gr.HTML`: the arguments `head`, `js_on_load` and `html_template`; `element`, `props`, `trigger` and `watch` in the
    scope of scripts; the `.block` around a component, with its class and `--block-padding`. An event exists on a
    component if its name is quoted in the script. Tests: `tests/e2e/test_draw_tab.py`.
`app.css` and the components' CSS
    Variables of the theme, the markup of tabs and of the footer, the class `dark` of the body. Tests: contrasts in
    `tests/e2e`; otherwise compare screenshots, light and dark, on a desktop and on a phone.
`components/training_monitor`
    Gradio sets `disabled` on the button element that it created. Test: `tests/e2e/test_accessibility.py`.
`train_tab`
    Updates by component as a dictionary; `gr.skip()`, at which Gradio notices that the user has left and closes the
    generator; `get_upload_folder`, from which Gradio serves downloads and deletes them after an hour. Tests:
    `tests/e2e/test_train_tab.py`.
`app`
    `delete_cache`, `queue(api_open=False)` and the options of `launch`; new options that store or publish something are
    on by default. Tests: `tests/e2e/test_isolation.py`.
`theme`
    Which weights of the font Gradio ships in full. Tests: `tests/e2e/test_draw_tab.py`.

Gradio also writes a `.pyi` file beside each module that defines a component, which git ignores; mypy would read it
instead of the module, so `make lint` deletes them.
"""
