"""The Python library as a child of the bench: `original.py pymongo|motor`.

Does what it is told on stdin, and says on stdout what came of it, in the lines of `src/worker/protocol.rs`. The
library has no tokens, so that each turn has 0 in its place.
"""

import asyncio
import random
import sys
import threading
import time

import motor.motor_asyncio
import pymongo
import shylock

HOLD = 0.003
# Waiters come one by one within this time: those that came at once would all look at once, for ever.
COMING = 0.1


def now():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def turn(acquired, released):
    return f"turn 0 {acquired} {released}"


class Threads:
    """A thread for each waiter."""

    def open(self, url, database):
        backend = shylock.ShylockPymongoBackend.create(pymongo.MongoClient(url), database)
        shylock.configure(backend)

    def hold(self, name):
        self.held = shylock.Lock(name)
        self.held.acquire()
        self.since = now()

    def release(self):
        released = now()
        self.held.release()
        say(turn(self.since, released))

    def queue(self, name, count):
        called = threading.Semaphore(0)
        waiters = [threading.Thread(target=self.wait_once, args=(name, called), daemon=True) for _ in range(count)]
        for waiter in waiters:
            waiter.start()
        for _ in waiters:
            called.acquire()

    def wait_once(self, name, called):
        lock = shylock.Lock(name)
        time.sleep(random.uniform(0, COMING))
        called.release()
        lock.acquire()
        acquired = now()
        time.sleep(HOLD)
        released = now()
        lock.release()
        say(turn(acquired, released))

    def cycles(self, name, count):
        lock = shylock.Lock(name)
        times = []
        for _ in range(count):
            since = now()
            lock.acquire()
            lock.release()
            times.append(now() - since)
        return times

    def run(self):
        for line in sys.stdin:
            self.obey(*line.split())

    def obey(self, order, *words):
        if order == "open":
            self.open(*words)
            say("ready")
        elif order == "hold":
            self.hold(*words)
            say("holding")
        elif order == "release":
            self.release()
        elif order == "queue":
            self.queue(words[0], int(words[1]))
            say("in line")
        elif order == "cycles":
            for nanoseconds in self.cycles(words[0], int(words[1])):
                say(f"time {nanoseconds}")
        else:
            say(f"failed what is {order}?")


class Tasks:
    """A task for each waiter."""

    async def open(self, url, database):
        client = motor.motor_asyncio.AsyncIOMotorClient(url)
        shylock.configure(await shylock.ShylockMotorAsyncIOBackend.create(client, database))

    async def hold(self, name):
        self.held = shylock.AsyncLock(name)
        await self.held.acquire()
        self.since = now()

    async def release(self):
        released = now()
        await self.held.release()
        say(turn(self.since, released))

    async def queue(self, name, count):
        called = asyncio.Semaphore(0)
        self.waiters = [asyncio.create_task(self.wait_once(name, called)) for _ in range(count)]
        for _ in self.waiters:
            await called.acquire()

    async def wait_once(self, name, called):
        lock = shylock.AsyncLock(name)
        await asyncio.sleep(random.uniform(0, COMING))
        called.release()
        await lock.acquire()
        acquired = now()
        await asyncio.sleep(HOLD)
        released = now()
        await lock.release()
        say(turn(acquired, released))

    async def cycles(self, name, count):
        lock = shylock.AsyncLock(name)
        times = []
        for _ in range(count):
            since = now()
            await lock.acquire()
            await lock.release()
            times.append(now() - since)
        return times

    async def run(self):
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            await self.obey(*line.split())

    async def obey(self, order, *words):
        if order == "open":
            await self.open(*words)
            say("ready")
        elif order == "hold":
            await self.hold(*words)
            say("holding")
        elif order == "release":
            await self.release()
        elif order == "queue":
            await self.queue(words[0], int(words[1]))
            say("in line")
        elif order == "cycles":
            for nanoseconds in await self.cycles(words[0], int(words[1])):
                say(f"time {nanoseconds}")
        else:
            say(f"failed what is {order}?")


def main():
    if sys.argv[1] == "pymongo":
        Threads().run()
    else:
        asyncio.run(Tasks().run())


main()
