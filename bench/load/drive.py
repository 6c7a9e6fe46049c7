"""Sends many requests and gathers their answers."""
import asyncio
import time

from client import ask


async def closed_loop(target, prompts, clients, requests):
    """`clients` that each ask again as soon as they are answered, `requests` in all."""
    numbers = iter(range(requests))
    answers = []

    async def one_client():
        for number in numbers:
            answers.append(await ask(target, prompts.prompt(number)))

    await asyncio.gather(*(one_client() for _ in range(clients)))
    return answers


async def open_loop(target, prompts, arrivals):
    """A request at each of `arrivals` (seconds), whether earlier ones are answered or not.
    Times count from when a request was due, so that a late client does not flatter."""
    begin = time.perf_counter()

    async def one_request(number, at):
        await asyncio.sleep(begin + at - time.perf_counter())
        return await ask(target, prompts.prompt(number), due=begin + at)

    return await asyncio.gather(*(one_request(number, at) for number, at in enumerate(arrivals)))
