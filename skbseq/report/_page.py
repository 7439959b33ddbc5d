"""The page as a template of jinja2. It names no resource outside of itself."""

PAGE = """\
{% macro table(rows) %}
<table>
{% for name, value in rows.items() %}
<tr><th scope="row">{{ name }}</th><td>{{ value | number }}</td></tr>
{% endfor %}
</table>
{% endmacro %}
{% macro grid(rows, columns) %}
<table>
<tr>
{% for column in columns %}
<th scope="col"{{ ' class="number"' | safe if rows[0][column] is number }}>{{ column }}</th>
{% endfor %}
</tr>
{% for row in rows %}
<tr>
{% for column in columns %}
<td{{ ' class="number"' | safe if row[column] is number }}>{{ row[column] | number }}</td>
{% endfor %}
</tr>
{% endfor %}
</table>
{% endmacro %}
{% macro sides(train, test) %}
<table>
<tr><td></td><th scope="col" class="number">Training</th>
<th scope="col" class="number">Test</th></tr>
{% for name in train.keys() | list + (test.keys() | reject("in", train) | list) %}
<tr><th scope="row">{{ name }}</th>
{% for side in (train, test) %}
<td class="number">{{ side[name] | number if name in side else "" }}</td>
{% endfor %}
</tr>
{% endfor %}
</table>
{% endmacro %}
{% macro picture(name, text, kind="") %}
{% if name in pictures %}
<div class="picture"><img class="{{ kind }}" src="{{ pictures[name] }}" alt="{{ text }}"></div>
{% endif %}
{% endmacro %}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem;
 color: #1c1c1c; background: #fff; overflow-wrap: break-word; }
h1 { font-size: 1.8rem; }
h2 { font-size: 1.3rem; border-bottom: 1px solid #ccc; margin-top: 2rem; }
h3 { font-size: 1.05rem; }
table { border-collapse: collapse; margin: 0.5rem 0 1rem; display: block; overflow-x: auto; }
th, td { text-align: left; padding: 0.2rem 0.8rem 0.2rem 0; border-bottom: 1px solid #e4e4e4;
 vertical-align: top; }
th { font-weight: 600; }
td.number, th.number { text-align: right; white-space: nowrap;
 font-variant-numeric: tabular-nums; }
td ul { margin: 0; padding-left: 1.1rem; }
div.picture { overflow-x: auto; }
img { max-width: 100%; height: auto; }
img.wide { max-width: none; }
p.note { border-left: 4px solid #ffa90e; padding-left: 0.7rem; }
.problem { color: #a01800; font-weight: 600; }
.passed { color: #33662f; }
@media print {
 body { font-size: 10pt; max-width: none; padding: 0; }
 h2, h3, p:has(+ table), p:has(+ div.picture) { break-after: avoid; }
 div.picture, tr, li { break-inside: avoid; }
 div.picture, table { overflow-x: visible; }
 img, img.wide { max-width: 100%; max-height: 7.5cm; width: auto; }
}
</style>
</head>
<body>
<h1>{{ title }}</h1>
{% for note in notes %}
<p class="note">{{ note }}</p>
{% endfor %}

<h2>Model card</h2>
<table>
<tr><th scope="row">Model</th><td>{{ card["model"] }}</td></tr>
<tr><th scope="row">Purpose</th><td>{{ card["purpose"] }}</td></tr>
<tr><th scope="row">Trained on</th><td>{{ card["trained on"] }}</td></tr>
<tr><th scope="row">Limits</th><td><ul>
{% for limit in card["limits"] %}
<li>{{ limit }}</li>
{% endfor %}
</ul></td></tr>
<tr><th scope="row">Versions</th><td>
{% for name, version in card["versions"].items() %}
{{ name }} {{ version }}{{ "" if loop.last else ", " }}
{% endfor %}
</td></tr>
</table>
<details><summary>Parameters of the last step</summary>{{ table(card["parameters"]) }}</details>

<h2>Data</h2>
<h3>Samples</h3>{{ sides(data["train"], data["test"]) }}
{% if data["log"] %}
<h3>Log</h3>{{ table(data["log"]) }}
{% endif %}
<h3>Labels</h3>{{ sides(labels["train"], labels["test"]) }}

<h2>Leakage checks</h2>
<table>
<tr><th scope="col">Check</th><th scope="col">Result</th><th scope="col">Details</th></tr>
{% for each in checks %}
<tr><td>{{ each["check"] }}</td><td class="{{ each["status"] }}">{{ each["status"] }}</td>
<td>{{ each["text"] }}</td></tr>
{% endfor %}
</table>

<h2>Scores and baselines</h2>
<p>Intervals of {{ "%g" % (100 * scores["level"]) }}% from {{ scores["n_bootstrap"] }} draws of
{{ scores["n_drawn"] | number }} {{ scores["drawn"] }} with replacement.
Differences are paired.</p>
{{ grid(scores["rows"], ["model", "score", "value", "low", "high"]) }}
<ul>
{% for each in scores["differences"] %}
<li>{{ each["sentence"] }}</li>
{% endfor %}
{% for name, reason in scores["failed"].items() %}
<li class="problem">{{ name }} could not be fitted: {{ reason }}</li>
{% endfor %}
</ul>

<h2>Calibration</h2>
{% if calibration["note"] is defined %}
<p>{{ calibration["note"] }}</p>
{% else %}
<p>Expected calibration error {{ calibration["expected calibration error"] | number }}: the mean
distance of predicted and observed probability.</p>
{{ picture("calibration", "Observed share by predicted probability") }}
{% endif %}

<h2>Lift</h2>
{% if lift["note"] is defined %}
<p>{{ lift["note"] }}</p>
{% else %}
<p>Share of positives among all test samples: {{ lift["base rate"] | number }}. Lift is how many
times as many positives the highest scores hold as a random choice; gain is their share of all
positives.</p>
{{ grid(lift["shares"], ["share", "lift", "gain"]) }}
{{ picture("lift", "Lift by share of the samples") }}
{% endif %}

<h2>Early decisions</h2>
{% if early["shares"] is not defined %}
<p>{{ early["note"] }}</p>
{% else %}
<p>{{ early["score"] }} if the model sees only the first events of each history. Where it is as
good as at the end, decisions could be made earlier. {{ early["note"] }}</p>
{{ grid(early["shares"], early["shares"][0]) }}
{{ picture("early", "Score by share of the events seen") }}
<p>Ordinary columns are not changed. If one holds the number of events, these scores are too
good.</p>
{% endif %}

<h2>Importance of channels</h2>
{% if importance["channels"] is not defined %}
<p>{{ importance["note"] }}</p>
{% else %}
<p>How much worse {{ importance["score"] }} is if a channel is exchanged between samples.
"(order)" is the order of the events. {{ importance["note"] }}</p>
{{ grid(importance["channels"], ["channel", "importance", "std", "own share"]) }}
<p>Own share: samples that drew themselves. If it is large, the importance is understated.</p>
{% endif %}

<h2>Three predictions explained</h2>
{% if explained["note"] is defined %}
<p>{{ explained["note"] }}</p>
{% else %}
<p>The highest, the middle and the lowest prediction. Contributions are what the prediction loses
without the event. They do not add up to the prediction.</p>
{% for each in explained["predictions"] %}
<h3>{{ "User " ~ each["user"] if each["user"] is defined else "Row " ~ each["row"] }}</h3>
<p>{% if each["cutoff"] is defined %}Cutoff {{ each["cutoff"] }}. {% endif %}
Prediction{% if each["class"] is defined %} for {{ each["class"] }}{% endif %}:
{{ each["prediction"] | number }}. Truth: {{ each["truth"] | number }}.
In {{ each["unit"] }}: {{ each["value"] | number }}; without events
{{ each["baseline"] | number }}.</p>
<ul>
{% for reason in each["reasons"] %}
<li>{{ reason }}</li>
{% endfor %}
</ul>
{{ picture("explained " ~ loop.index0, "Contribution of each event", "wide") }}
{% endfor %}
{% endif %}

<h2>Drift</h2>
{% if drift["note"] is defined %}
<p>{{ drift["note"] }}</p>
{% else %}
<p>Population stability index (PSI) between the reference and the log, and the value that chance
alone reaches.</p>
{% for warning in drift["warnings"] %}
<p class="note">{{ warning }}</p>
{% endfor %}
{{ grid(drift["aspects"], ["aspect", "psi", "by chance", "beyond chance"]) }}
{{ picture("drift", "Drift by aspect, with its range by chance") }}
{% endif %}
</body>
</html>
"""
