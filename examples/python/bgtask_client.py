"""Registers and runs background tasks from Python.

This is an example of a client in another language. It follows the rules of
doc/PROTOCOL.md, and is short enough to read. The modules of bgtask.v1 are
generated from proto/, as README.md describes.
"""

import os
import queue
import threading
import time
import uuid

import grpc

from bgtask.v1 import broker_pb2, broker_pb2_grpc, change_pb2, host_pb2, host_pb2_grpc, run_pb2


class Retry(Exception):
    """Raised by a task that asks for another attempt, with back-off."""


class Canceled(Exception):
    """Raised by Run.check in a task that must stop."""


def socket():
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return os.path.join(runtime, "bgtask", "bgtask.sock")


class Client:
    """A connection to the broker, for the package with this family name."""

    def __init__(self, package):
        caller = broker_pb2.Caller(package=package, version="python")
        self.metadata = (("bgtask-caller-bin", caller.SerializeToString()),)
        self.channel = grpc.insecure_channel("unix:" + socket())
        self.broker = broker_pb2_grpc.BrokerServiceStub(self.channel)

    def ensure(self, spec):
        """Registers the task, or updates the one with its name."""
        request = change_pb2.RegisterRequest(request_id=str(uuid.uuid4()), spec=spec, ensure=True)
        # A request repeated with the same ID gets the same answer.
        return retried(lambda: self.broker.Register(request, metadata=self.metadata, timeout=30))


def retried(call, attempts=5):
    for attempt in range(attempts):
        try:
            return call()
        except grpc.RpcError as err:
            if err.code() != grpc.StatusCode.UNAVAILABLE or attempt + 1 == attempts:
                raise
            time.sleep(0.2 * 2**attempt)


class Run:
    """One run, passed to the task."""

    def __init__(self, host, activate):
        self.instance_id = activate.instance_id
        self.task_id = activate.task_id
        self.activate = activate
        self.value = 0  # of progress
        self.result = None  # while it runs
        self.reason = None  # a CancellationReason, when it must stop
        self.canceled = threading.Event()
        self._host = host
        self._sent = 0.0

    def progress(self, value):
        """Reports the progress. At most ten values per second are sent."""
        self.value = value
        if time.monotonic() - self._sent >= 0.1:
            self._sent = time.monotonic()
            self._host.send(progress=host_pb2.Progress(instance_id=self.instance_id, value=value))

    def check(self):
        """Raises Canceled when the run must stop. Call it often: the grace period is 5 s."""
        if self.canceled.is_set():
            raise Canceled(run_pb2.CancellationReason.Name(self.reason))


class Host:
    """Serves classes. Each is a function that takes a Run, keyed by CLSID."""

    def __init__(self, client, classes, linger=10.0):
        self.client, self.classes, self.linger = client, classes, linger
        self.lock = threading.Lock()
        self.runs = {}  # running, or with an outcome that is not acknowledged yet
        self.idle_since = time.monotonic()
        self.out = queue.SimpleQueue()

    def serve(self, lost_for=300.0):
        """Returns when there was no run for the linger time. If the broker goes away, it
        waits for the next one: runs continue, and their outcomes are not reported yet."""
        lost = None
        while True:
            try:
                if self.attach():
                    return
                lost = None  # the broker was there
            except grpc.RpcError as err:
                lost = lost or time.monotonic()
                if err.code() != grpc.StatusCode.UNAVAILABLE or time.monotonic() - lost > lost_for:
                    raise
            time.sleep(0.2)

    def attach(self):
        """Serves one stream. Returns True when this process may exit."""
        out = queue.SimpleQueue()
        with self.lock:  # hello comes first, with every outcome that is not sent on this stream
            out.put(host_pb2.AttachRequest(hello=self.hello()))
            self.out = out
        threading.Thread(target=self.leave_when_idle, args=(out,), daemon=True).start()
        try:
            stub = host_pb2_grpc.HostServiceStub(self.client.channel)
            for answer in stub.Attach(iter(out.get, None), metadata=self.client.metadata):
                frame = answer.WhichOneof("frame")
                if frame == "activate":
                    self.enter(answer.activate)
                elif frame == "cancel_run":
                    self.cancel(answer.cancel_run)
                elif frame == "acknowledge":
                    self.forget(answer.acknowledge.instance_id)
                elif frame == "leave_confirmed":
                    return True
                elif frame == "drop" and not answer.drop.stopping:
                    raise RuntimeError("the broker closed the stream: " + answer.drop.text)
            return False
        finally:
            out.put(None)

    def hello(self):
        held = [
            host_pb2.HeldInstance(instance_id=r.instance_id, progress=r.value, result=r.result, task_id=r.task_id)
            for r in self.runs.values()
        ]
        # The token belongs to this process only, not to its children.
        self.token = os.environ.pop("BGTASK_LAUNCH", getattr(self, "token", ""))
        objects = [host_pb2.Object(clsid=clsid) for clsid in self.classes]
        return host_pb2.Hello(launch_token=self.token, objects=objects, instances=held)

    def send(self, **frame):
        self.out.put(host_pb2.AttachRequest(**frame))

    def enter(self, activate):
        run = Run(self, activate)
        with self.lock:
            self.runs[run.instance_id] = run
        self.send(accepted=host_pb2.Accepted(instance_id=run.instance_id))
        threading.Thread(target=self.perform, args=(run,), daemon=True).start()

    def perform(self, run):
        outcome, text = run_pb2.OUTCOME_COMPLETED, ""
        try:
            self.classes[run.activate.clsid](run)
        except Retry as err:
            outcome, text = run_pb2.OUTCOME_RETRY, str(err)
        except Exception as err:  # the broker knows whether it canceled the run
            outcome, text = run_pb2.OUTCOME_FAILED, str(err) or type(err).__name__
        with self.lock:
            run.result = host_pb2.Result(outcome=outcome, text=text[:1000])
            self.send(progress=host_pb2.Progress(instance_id=run.instance_id, value=run.value))
            self.send(finished=host_pb2.Finished(instance_id=run.instance_id, result=run.result))

    def cancel(self, frame):
        with self.lock:
            run = self.runs.get(frame.instance_id)
        if run and run.reason is None:
            run.reason = frame.reason
            run.canceled.set()

    def forget(self, instance_id):
        with self.lock:
            self.runs.pop(instance_id, None)
            self.idle_since = time.monotonic()

    def leave_when_idle(self, out):
        """Asks to leave until the broker agrees. It refuses while a run is on its way."""
        while self.out is out:
            with self.lock:
                idle = not self.runs and time.monotonic() - self.idle_since > self.linger
                if idle:
                    self.idle_since = time.monotonic()
                    out.put(host_pb2.AttachRequest(leave=host_pb2.Leave()))
            time.sleep(0.1)
