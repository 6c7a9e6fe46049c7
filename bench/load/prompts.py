"""Prompts of a number of words, cut from a text."""


class Prompts:
    """`words` words each, different from the first on; before them `shared` words that are the
    same in all, as a system prompt would be."""

    def __init__(self, text, words, shared):
        self.text, self.words = text.split(), words
        self.common = " ".join(self.text[i % len(self.text)] for i in range(shared))

    def prompt(self, index):
        start = index * 37
        own = [str(index)] + [self.text[(start + i) % len(self.text)]
                              for i in range(self.words - 1)]
        return " ".join([self.common, *own] if self.common else own)
