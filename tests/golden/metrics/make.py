"""Writes what the field's reference packages give for the metrics of src/learn/metrics.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make.py
"""
import collections, itertools, json, math, pathlib, random, re, string, unicodedata

import numpy as np
import sacrebleu
import sklearn.metrics
from nltk.stem import porter
from rouge_score import rouge_scorer
from scipy import stats
from statsmodels.stats import contingency_tables, multitest, proportion

HERE = pathlib.Path(__file__).parent
RANDOM = random.Random(5)

# (generated, references)
ENGLISH = [
    ("The cat sat on the mat.", ["The cat sat on the mat."]),
    ("The cat is sitting on a mat, isn't it?", ["A cat sat on the mat.", "The cat was sitting on the mat; it slept."]),
    ("He paid $3.50 (about 2,800 won) -- not 10-20.", ["He paid $3.50, about 2,800 won, not 10-15."]),
    ("&quot;Yes&quot; &amp; no <skipped> a-\nb", ['"Yes" & no ab']),
    ("", ["An empty answer is no answer."]),
    ("one two three four five six seven", ["one two three four five six seven eight nine ten"]),
    ("word", ["word"]),
    ("Naïve café — déjà vu … “quoted”.", ["Naive cafe: déjà vu... \"quoted\"."]),
    ("The relational organizations were happily conditioning innings, flying skies.",
     ["Relation organization was happy; conditions of inning flew in the sky."]),
    ("...,,.. 1.5, 2,5 .5 a.b,c e.g., U.S.A. 3-4 x-y", ["... 1.5 2,5 .5 a.b c e.g. USA 3 - 4 x-y"]),
    ("KELVIN \u212a and \u0130stanbul ΣΟΦΟΣ", ["kelvin k and i\u0307stanbul σοφος"]),
    ("tabs\tand\nlines\x1dand\u00a0spaces\u3000here  ", ["tabs and lines and spaces here"]),
]
CHINESE = [
    ("猫坐在垫子上。", ["猫坐在垫子上。"]),
    ("北京是中华人民共和国的首都,人口约2,189万人!", ["北京是中国的首都，人口2189万。", "中国首都是北京。"]),
    ("他说：“GPT-4模型有1.8T参数” ☃", ["他说GPT-4有1.8T参数。"]),
    ("𠀀字 ①②③ ｆｕｌｌ　ｗｉｄｔｈ", ["𠀀字①② full width"]),
    ("", ["没有"]),
    ("  前后有空白  ", ["前后 有空白"]),
]
ANSWERS = [
    ("The Eiffel Tower", ["Eiffel Tower", "the tower"]), ("a an the", ["The"]), ("", [""]), ("", ["x"]),
    ("It's 42, the answer.", ["42"]), ("an apple a day", ["apple day", "banana"]), ("thé à la carte", ["the a la carte"]),
    ("In 1,234 days—the end", ["1234 days end"]), ("U.S.A.", ["USA"]), ("ΣΟΦΟΣ", ["σοφος"]), ("the—a", ["the"]),
    ("the the cat", ["cat cat the"]), ("snake_case a_b", ["snakecase ab"]), ("\u2003wide\u00a0space ", ["wide space"]),
]


def squad_words(text):
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def chinese_words(text):
    words, run = [], ""
    for c in text.lower():
        ideograph = "IDEOGRAPH" in unicodedata.name(c, "") and unicodedata.category(c) == "Lo"
        separates = c.isspace() or unicodedata.category(c)[0] in "PS"
        if (ideograph or separates) and run:
            words.append(run)
            run = ""
        if ideograph:
            words.append(c)
        elif not separates:
            run += c
    return words + ([run] if run else [])


def f1(left, right):
    if not left or not right:
        return float(left == right)
    same = sum((collections.Counter(left) & collections.Counter(right)).values())
    return 2 * same / (len(left) + len(right))


def overlap():
    out = {"bleu": [], "chrf": [], "tokens": [], "rouge": [], "stems": {}, "answers": []}
    for pairs, tokenizer in itertools.product((ENGLISH, CHINESE), ("13a", "zh", "char", "none")):
        for lowercase in (False, True):
            bleu = sacrebleu.BLEU(tokenize=tokenizer, lowercase=lowercase)
            single = sacrebleu.BLEU(tokenize=tokenizer, lowercase=lowercase, effective_order=True)
            # Each document has one or two references; sacrebleu takes None for a missing one.
            references = [[r[i] if i < len(r) else None for _, r in pairs] for i in range(2)]
            generated = [g for g, _ in pairs]
            out["bleu"].append({
                "pairs": pairs, "tokenizer": tokenizer, "lowercase": lowercase,
                "corpus": bleu.corpus_score(generated, references).score,
                "sentences": [single.sentence_score(g, r).score for g, r in pairs]})
    for text in [t for g, r in ENGLISH + CHINESE for t in [g, *r]]:
        out["tokens"].append({"text": text, **{
            name: sacrebleu.metrics.bleu._get_tokenizer(name)()(text.rstrip()) for name in ("13a", "zh", "char", "none")}})
    for pairs, words, lowercase in itertools.product((ENGLISH, CHINESE), (0, 2), (False, True)):
        chrf = sacrebleu.CHRF(word_order=words, lowercase=lowercase)
        references = [[r[i] if i < len(r) else None for _, r in pairs] for i in range(2)]
        out["chrf"].append({"pairs": pairs, "word_order": words, "lowercase": lowercase,
                            "corpus": chrf.corpus_score([g for g, _ in pairs], references).score,
                            "sentences": [chrf.sentence_score(g, r).score for g, r in pairs]})
    for stem in (False, True):
        scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=stem)
        for generated, references in ENGLISH:
            scores = scorer.score_multi(references, generated)
            out["rouge"].append({"generated": generated, "references": references, "stemmed": stem,
                                 **{k: [v.precision, v.recall, v.fmeasure] for k, v in scores.items()}})
    stemmer = porter.PorterStemmer()
    for word in sorted(stem_words()):
        out["stems"][word] = stemmer.stem(word)
    for generated, references in ANSWERS + CHINESE:
        out["answers"].append({
            "generated": generated, "references": references,
            "english_words": squad_words(generated), "chinese_words": chinese_words(generated),
            "english_f1": max(f1(squad_words(generated), squad_words(r)) for r in references),
            "chinese_f1": max(f1(chinese_words(generated), chinese_words(r)) for r in references)})
    return out


# Every suffix a rule names behind stems of every measure, and words with the irregular forms.
def stem_words():
    stems = ["", "b", "fl", "tr", "ho", "tan", "cr", "sky", "gy", "rel", "oper", "adopt", "conform", "electr",
             "syzyg", "control", "yyy", "happ", "fizz", "boss", "fall", "geo", "theo", "a"]
    suffixes = ["", "s", "ss", "sses", "ies", "ied", "eed", "ed", "ing", "ated", "bling", "ized", "pped", "lled",
                "y", "ational", "tional", "enci", "anci", "izer", "bli", "abli", "alli", "entli", "eli", "ousli",
                "ization", "ation", "ator", "alism", "iveness", "fulness", "ousness", "aliti", "iviti", "biliti",
                "fulli", "logi", "icate", "ative", "alize", "iciti", "ical", "ful", "ness", "al", "ance", "ence",
                "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "sion", "tion", "ion", "ou", "ism",
                "ate", "iti", "ous", "ive", "ize", "e", "ll", "le"]
    words = {a + b for a in stems for b in suffixes} - {""}
    return words | {"skies", "dying", "lying", "tying", "news", "innings", "outings", "cannings", "howe",
                    "proceed", "exceed", "succeed", "enjoy", "spied", "flies", "dies", "roll", "cease", "2nd", "x86"}


def classification():
    out = []
    for labels, count in ((2, 40), (3, 60), (5, 30), (2, 1), (1, 5)):
        expected = [RANDOM.randrange(labels) for _ in range(count)]
        given = [e if RANDOM.random() < 0.6 else RANDOM.randrange(labels) for e in expected]
        kappa = float(sklearn.metrics.cohen_kappa_score(expected, given)) if len(set(expected + given)) > 1 else None
        out.append({
            "expected": expected, "given": given, "kappa": kappa,
            "macro_f1": float(sklearn.metrics.f1_score(expected, given, average="macro", zero_division=0)),
            "binary_f1": float(sklearn.metrics.f1_score(expected, given, labels=[1], average="macro", zero_division=0)),
            "mcc": float(sklearn.metrics.matthews_corrcoef(expected, given))})
    return out


def estimates():
    samples = [[RANDOM.gauss(0, 1) for _ in range(n)] for n in (2, 7, 50)]
    return {
        "means": [{"values": s, "mean": float(np.mean(s)), "deviation": float(np.std(s, ddof=1)),
                   "standard_error": float(stats.sem(s))} for s in samples],
        "quantiles": [{"p": p, "z": float(stats.norm.ppf(p))} for p in (1e-300, 1e-9, 0.025, 0.3, 0.5, 0.8, 0.975, 1 - 1e-9)],
        "wilson": [{"successes": k, "trials": n, "level": level,
                    "interval": [float(x) for x in proportion.proportion_confint(k, n, 1 - level, method="wilson")]}
                   for k, n in ((0, 5), (5, 5), (3, 10), (500, 1000), (1, 1)) for level in (0.9, 0.95)],
        "pass_at_k": [{"samples": n, "passed": c, "k": k, "value": 1 - math.comb(n - c, k) / math.comb(n, k)}
                      for n in (1, 5, 20, 200) for c in {0, 1, n // 3, n} for k in {1, min(n, 10), n} if c <= n]}


def bootstrap():
    out = []
    for values in ([RANDOM.expovariate(1) for _ in range(25)], [float(RANDOM.random() < 0.8) for _ in range(40)],
                   [0.0, 0.0, 1.0, 5.0]):
        percentile = stats.bootstrap((values,), np.mean, n_resamples=999, method="percentile",
                                     rng=np.random.default_rng(1))
        case = {"values": values, "replicates": percentile.bootstrap_distribution.tolist(), "intervals": []}
        for level in (0.9, 0.95):
            for method in ("percentile", "BCa"):
                interval = stats.bootstrap((values,), np.mean, n_resamples=0, method=method, confidence_level=level,
                                           bootstrap_result=percentile).confidence_interval
                case["intervals"].append({"method": method, "level": level,
                                          "interval": [float(interval.low), float(interval.high)]})
        # With many draws the generator no longer matters.
        long_run = stats.bootstrap((values,), np.mean, n_resamples=200_000, method="BCa", rng=np.random.default_rng(2))
        case["long_run"] = [float(x) for x in long_run.confidence_interval]
        out.append(case)
    return out


def paired():
    out = {"mcnemar": [], "permutation": [], "holm": []}
    for better, worse in ((0, 0), (1, 0), (5, 5), (10, 2), (3, 30), (700, 610), (0, 2000)):
        table = [[10, better], [worse, 20]]
        out["mcnemar"].append({"better": better, "worse": worse,
                               "p": float(contingency_tables.mcnemar(table, exact=True).pvalue)})
    for count, shift in ((5, 0), (8, 1), (12, 0.5), (14, 0.3), (120, 0.1)):
        left = [round(RANDOM.gauss(0, 1), 2) for _ in range(count)]
        right = [round(x + RANDOM.gauss(shift, 1), 2) for x in left]
        right[0] = left[0]
        result = stats.permutation_test((right, left), lambda x, y, axis: np.sum(x - y, axis=axis), vectorized=True,
                                        permutation_type="samples", n_resamples=100_000, rng=np.random.default_rng(3))
        out["permutation"].append({"baseline": left, "candidate": right, "p": float(result.pvalue)})
    for p_values in ([0.01, 0.04, 0.03, 0.005], [0.5, 0.5, 0.9], [0.02], [1e-9, 0.2, 0.011, 0.0124, 0.0126]):
        corrected = multitest.multipletests(p_values, method="holm")[1]
        out["holm"].append({"p": p_values, "corrected": [float(p) for p in corrected]})
    return out


for name, content in {"overlap": overlap(), "classification": classification(), "estimate": estimates(),
                      "bootstrap": bootstrap(), "paired": paired()}.items():
    (HERE / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False, indent=None) + "\n")
