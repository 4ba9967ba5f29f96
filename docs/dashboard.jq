# Draws the dashboard as SVG, about as Grafana would, from what Prometheus answered to its
# queries. tests/system/prometheus.sh makes the input and, with DRAW=docs/dashboard.svg, the
# picture of its run:
#
#   {panels: [...], since, until, answers: {"TITLE REF": [{metric, values}]}}
#
#   jq -rf docs/dashboard.jq INPUT >docs/dashboard.svg

def unit_w: 50; # pixels of a column of the grid; it has 24
def unit_h: 28;
def palette: ["#3871dc", "#37872d", "#e0752d", "#8f3bb8", "#c4162a", "#0a7e8c", "#b58900",
	"#6d6d6d"];
def color_of: {green: "#37872d", red: "#c4162a", orange: "#e0752d", yellow: "#b58900",
	blue: "#3871dc", text: "#52545c"}[. // "text"] // "#52545c";

def cut($most): if length > $most then .[:$most - 1] + "…" else . end;
def round_to($digits): pow(10; $digits) as $by | (. * $by | round) / $by;
def short:
	fabs as $size |
	if . == floor and $size < 10000 then tostring
	elif $size >= 1048576 then "\(. / 1048576 | round_to(1)) M"
	elif $size >= 10 then "\(round_to(1))"
	else "\(round_to(3))" end;
def with_unit($unit):
	if $unit == "s" then "\(short) s" elif $unit == "percent" then "\(short) %"
	elif $unit == "bytes" then "\(. / 1048576 | round_to(1)) MiB"
	elif $unit == "ops" or $unit == "reqps" then "\(short)/s" else short end;

def text($x; $y; $size; $anchor; $fill):
	"<text x=\"\($x | round_to(1))\" y=\"\($y | round_to(1))\" font-size=\"\($size)\" " +
	"text-anchor=\"\($anchor)\" fill=\"\($fill)\">\(tostring | @html)</text>";
def rect($x; $y; $w; $h; $fill):
	"<rect x=\"\($x | round_to(1))\" y=\"\($y | round_to(1))\" width=\"\($w | round_to(1))\" " +
	"height=\"\($h | round_to(1))\" fill=\"\($fill)\"/>";

# The series of a panel: {ref, name, labels, values: [[seconds, number]]}; what is not a
# number is left out.
def series($answers):
	.title as $title | [.targets[] | .refId as $ref | (.legendFormat // "") as $form |
	$answers["\($title) \($ref)"][]? | .metric as $labels | {
		ref: $ref,
		name: (reduce ($labels | to_entries[]) as $is ($form;
			gsub("\\{\\{\($is.key)\\}\\}"; $is.value)) | gsub("\\{\\{[a-z_]+\\}\\}"; "")),
		labels: ($labels | del(.__name__, .cluster)),
		values: [.values[] | select(.[1] | test("NaN|Inf") | not) | [.[0], (.[1] | tonumber)]]
	} | select(.values != [])];
# Those that are there at the end, with their last value.
def at_end($until): map(select(.values[-1][0] >= $until - 3) | .last = .values[-1][1]);

def mapping($mappings): . as $value |
	($mappings // [] | map(.options[$value | tostring] // empty) | first) // {};
def threshold($steps): . as $value |
	($steps // [] | map(select(.value == null or .value <= $value)) | last).color;

def nothing($box): "no data" | text($box.x + $box.w / 2; $box.y + $box.h / 2; 13; "middle"; "#8e8e8e");

def draw_stat($panel; $box):
	if . == [] then nothing($box) else
	.[0] as $one | ($one.last | threshold($panel.fieldConfig.defaults.thresholds.steps)
		| color_of) as $color |
	(if $panel.options.textMode == "name" then $one.name
	elif $panel.options.textMode == "value_and_name" then "\($one.name)  \($one.last | short)"
	else $one.last | short end) |
	text($box.x + $box.w / 2; $box.y + $box.h / 2 + 12; 30; "middle"; $color) end;

def arc($x; $y; $r; $from; $to; $color):
	def at($part): "\($x - $r * ($part * 3.14159265 | cos) | round_to(1)) " +
		"\($y - $r * ($part * 3.14159265 | sin) | round_to(1))";
	"<path d=\"M \(at($from)) A \($r) \($r) 0 0 1 \(at($to))\" fill=\"none\" " +
	"stroke=\"\($color)\" stroke-width=\"18\"/>";
def draw_gauge($panel; $box):
	if . == [] then nothing($box) else .[0].last as $value |
	($box.x + $box.w / 2) as $x | ($box.y + $box.h * 0.72) as $y | ($box.h * 0.55) as $r |
	arc($x; $y; $r; 0; 1; "#e4e5e6"),
	arc($x; $y; $r; 0; [$value / 100, 0.001] | max;
		$value | threshold($panel.fieldConfig.defaults.thresholds.steps) | color_of),
	($value | with_unit("percent") | text($x; $y; 26; "middle"; "#24292e")) end;

def draw_times($panel; $box; $since; $until):
	if . == [] then nothing($box) else
	$panel.fieldConfig.defaults.unit as $unit |
	(map(.top = (.values | map(.[1]) | max)) | sort_by(-.top)) as $all |
	(if $all[0].top > 0 then $all[0].top else 1 end) as $top |
	{x: ($box.x + 58), y: ($box.y + 6), w: ($box.w - 70), h: ($box.h - 62)} as $plot |
	([$box.w / 190 | floor, 1] | max) as $columns | ($columns * 2) as $shown |
	(range(3) | ($plot.y + $plot.h * . / 2) as $y |
		"<path d=\"M \($plot.x) \($y | round_to(1)) h \($plot.w)\" stroke=\"#e4e5e6\"/>",
		($top * (1 - . / 2) | with_unit($unit) |
			text($plot.x - 5; $y + 4; 10; "end"; "#6d6d6d"))),
	(range($all | length) as $i | ($all[$i].values | map("\($plot.x + $plot.w *
		(.[0] - $since) / ($until - $since) | round_to(1)),\($plot.y + $plot.h *
		(1 - .[1] / $top) | round_to(1))") | join(" ")) as $points |
		"<polyline fill=\"none\" stroke=\"\(palette[$i % 8])\" stroke-width=\"1.5\" " +
		"points=\"\($points)\"/>"),
	("0 s" | text($plot.x; $plot.y + $plot.h + 13; 10; "start"; "#6d6d6d")),
	("\($until - $since) s" | text($plot.x + $plot.w; $plot.y + $plot.h + 13; 10; "end"; "#6d6d6d")),
	(range([$all | length, $shown] | min) as $i | ($box.x + 14 + ($i % $columns) * 190) as $x |
		($box.y + $box.h - 26 + ($i / $columns | floor) * 15) as $y |
		rect($x; $y - 8; 10; 3; palette[$i % 8]),
		(if $i == $shown - 1 and ($all | length) > $shown
			then "and \(($all | length) - $shown + 1) more"
			else $all[$i].name | cut(27) end | text($x + 14; $y - 3; 11; "start"; "#24292e")))
	end;

def draw_states($panel; $box; $since; $until):
	if . == [] then nothing($box) else
	([30, ($box.h - 22) / length] | min) as $high | . as $all |
	($box.x + 150) as $x | ($box.w - 164) as $w |
	(range(length) as $i | ($box.y + $i * $high) as $y | $all[$i] as $one |
		($one.name | cut(22) | text($x - 8; $y + $high / 2 + 4; 11; "end"; "#24292e")),
		(reduce $one.values[] as $v ([]; if length > 0 and .[-1].value == $v[1] and
			$v[0] - .[-1].to < 4 then .[-1].to = $v[0] else
			. + [{value: $v[1], from: $v[0], to: $v[0]}] end) | .[] |
			rect($x + $w * (.from - $since) / ($until - $since); $y + 3;
				[$w * (.to - .from + 1) / ($until - $since), 2] | max; $high - 6;
				.value | mapping($panel.fieldConfig.defaults.mappings).color | color_of))),
	(($panel.fieldConfig.defaults.mappings[0].options | to_entries) as $states |
		range($states | length) as $i | ($x + $i * 110) as $at |
		rect($at; $box.y + $box.h - 16; 10; 10; $states[$i].value.color | color_of),
		($states[$i].value.text | text($at + 14; $box.y + $box.h - 7; 11; "start"; "#24292e")))
	end;

# The names that the panel gives to its value columns, and those that it hides.
def renames: [.transformations[]? | select(.id == "organize") | .options.renameByName] | add;
def hidden: [.transformations[]? | select(.id == "organize") | .options.excludeByName] | add;
def column($panel; $ref): if ($panel.targets | length) == 1 then "Value" else "Value #\($ref)" end;
def draw_table($panel; $box):
	if . == [] then nothing($box) else
	($panel | renames) as $names | ($panel | hidden) as $hidden |
	# as Grafana merges: rows that agree in what they share
	(reduce .[] as $one ([]; ($one.labels + {(column($panel; $one.ref)): $one.last}) as $row |
		([range(length) as $i | .[$i] as $old | select(($old | has(column($panel; $one.ref)) | not)
			and all($one.labels | to_entries[]; ($old[.key] // .value) == .value))
			| $i] | first) as $at |
		if $at == null then . + [$row] else .[$at] += $row end)) as $rows |
	$rows | if $panel.transformations[0].id != "groupingToMatrix" then . else
		[group_by(.process)[] | {process: .[0].process} +
			(map({key: .layer, value: .Value}) | from_entries)] end | . as $rows |
	([$rows[] | keys_unsorted[]] | unique |
		sort_by($rows[0][.] | type == "number") | map(select(startswith("Value") | not)) +
		[$panel.targets[] | column($panel; .refId) as $column |
			$column | select(any($rows[]; has($column)))] |
		map(select($hidden[.] | not))) as $columns |
	($box.w / ($columns | length)) as $wide | (($box.h - 26) / 18 | floor) as $most |
	(range($columns | length) as $c | $names[$columns[$c]] // $columns[$c] |
		text($box.x + 12 + $c * $wide; $box.y + 12; 11; "start"; "#3871dc")),
	(range([$rows | length, $most] | min) as $r | ($box.y + 31 + $r * 18) as $y |
		if $r == $most - 1 and ($rows | length) > $most then
			"and \(($rows | length) - $most + 1) more rows" |
			text($box.x + 12; $y; 11; "start"; "#6d6d6d")
		else range($columns | length) as $c | $columns[$c] as $column | $rows[$r][$column] |
			if . == null then empty elif type == "number" then
				mapping($panel.fieldConfig.defaults.mappings //
					[$panel.fieldConfig.overrides[] | select(.matcher.options ==
					$names[$column]) | .properties[] | select(.id == "mappings") |
					.value[]]) as $told |
				($told.text // short) | text($box.x + 12 + $c * $wide; $y; 12; "start";
					$told.color | color_of)
			else cut($wide / 7 | floor) |
				text($box.x + 12 + $c * $wide; $y; 12; "start"; "#24292e") end
		end)
	end;

def draw($panel; $from):
	{x: ($panel.gridPos.x * unit_w + 4), y: ($panel.gridPos.y * unit_h + 4),
		w: ($panel.gridPos.w * unit_w - 8), h: ($panel.gridPos.h * unit_h - 8)} as $box |
	{x: $box.x, y: ($box.y + 30), w: $box.w, h: ($box.h - 34)} as $inner |
	if $panel.type == "row" then
		"<g class=\"title\">", ($panel.title | text($box.x + 4; $box.y + 15; 15; "start"; "#24292e")), "</g>"
	else
		"<rect x=\"\($box.x)\" y=\"\($box.y)\" width=\"\($box.w)\" height=\"\($box.h)\" rx=\"3\" fill=\"#ffffff\" stroke=\"#d8d9da\"/>",
		"<g class=\"title\">", ($panel.title | text($box.x + 12; $box.y + 20; 13; "start"; "#24292e")), "</g>",
		($panel | series($from.answers) |
		if $panel.type == "stat" then at_end($from.until) | draw_stat($panel; $inner)
		elif $panel.type == "gauge" then at_end($from.until) | draw_gauge($panel; $inner)
		elif $panel.type == "table" then at_end($from.until) | draw_table($panel; $inner)
		elif $panel.type == "state-timeline" then draw_states($panel; $inner; $from.since; $from.until)
		else draw_times($panel; $inner; $from.since; $from.until) end)
	end;

. as $from | (24 * unit_w) as $w |
([.panels[] | .gridPos | .y + .h] | max * unit_h + 4) as $h |
"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \($w) \($h)\" width=\"\($w)\" height=\"\($h)\" font-family=\"sans-serif\">",
"<title>IP Address Controller: a run on the embedded world</title>",
rect(0; 0; $w; $h; "#f4f5f5"),
(.panels[] as $panel | draw($panel; $from)),
"</svg>"
