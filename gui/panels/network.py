"""NetworkPanel: the network as units and weights, with the numbers of one sample in it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QSpinBox, QVBoxLayout

from engine.activity import Activity, activity_on, probabilities
from engine.snapshot import Snapshot
from gui import numerals
from gui.legends import Key, Legend
from gui.network_diagrams import MOST_LAYERS, MOST_UNITS, Drawing, NetworkDiagram, Unit, layer_name
from gui.panels.panel import Panel
from gui.panels.time_panel import NoteLabel
from gui.panels.weights import steady_limit
from gui.theme import Theme

FloatArray = npt.NDArray[np.float64]

_MOST_TOLD: Final = 4  # weights of a unit in the line of text; the largest ones


class NetworkPanel(Panel):
    """The network as a diagram; see `help_text`."""

    panel_id = "network"
    title = "Network"
    interval_s = 0.4
    help_text = f"""The network from the left to the right: input, hidden layers, output, and what one
sample does in it.

Lines are weights. Thickness: their size, relative to the widest of their layer, which has the weight
that the text below names. Orange and solid: positive; blue and dashed: negative. Lines thinner than
3 % of the widest are not drawn. Biases are not drawn; the text below tells that of a unit chosen.

Layer by layer h = φ(W h′ + b), h′ the values of the layer before, φ the activation function; at the end
p_c = exp(z_c) / Σ_k exp(z_k) of the outputs z.

Boxes are units, with the number that the chosen sample gives them: an input, the value of a hidden
unit (its activation function of w · x + b), at the output the probability of a class, softmax of
the outputs, or of a squared loss the output itself. The colour says the same: orange above 0, blue
below, paler nearer to 0. The class of the sample has a thick frame and a tick.

Pictures: the sample stands in place of its pixels, and each unit of the first layer has its weights
beside it as a picture, red positive and blue negative, all on one scale; a grey line stands for all
weights from the pixels.

Of a wide layer the first {MOST_UNITS} units are drawn ("16 of 100"), of a deep network the first
and the last {MOST_LAYERS // 2} layers. Layers that are also wired straight to the output have a line with an
arrow below the units, with the number and the largest of its weights; of a unit that is chosen those weights are
drawn, as bows, relative to the largest of that line.

"Sample" chooses whose numbers are shown, from 0. Of a unit that is chosen only its own
weights stay strong, and the text tells its numbers exactly."""
    sources = ("exam",)
    key_table = (
        ("Arrows, click", "Choose a unit and read its numbers"),
        ("Esc", "Choose none"),
        ("Up, Down in the field Sample", "Another sample"),
    )

    def build(self, layout: QVBoxLayout) -> None:
        """Create the widgets; see Panel."""
        self._run_id = -1
        self._limits: list[float] = []
        self._value_limits: list[float] = []
        self._activity: Activity | None = None
        self._drawing: Drawing | None = None
        self.legend = Legend(self.theme)
        self.sample_box = QSpinBox(prefix="Sample ")
        self.sample_box.setKeyboardTracking(False)
        self.sample_box.setAccessibleName("Sample whose numbers are shown")
        self.sample_box.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.diagram = NetworkDiagram(self.theme)
        self.diagram.setAccessibleName("The network: units and weights")
        self.note_label = NoteLabel()
        layout.addLayout(self.legend.with_corner(self.sample_box))
        layout.addWidget(self.diagram, 1)
        layout.addWidget(self.note_label)
        self.sample_box.valueChanged.connect(self._choose)
        self.diagram.chosen_changed.connect(lambda _: self._write())

    def draw(self, snapshot: Snapshot) -> None:
        """Feed the diagram; see Panel."""
        if snapshot.run_id != self._run_id:
            self._run_id = snapshot.run_id
            self._limits, self._value_limits = [], []
            with QSignalBlocker(self.sample_box):
                self.sample_box.setRange(0, snapshot.data.n_samples - 1)
                if not self.keeps_sample(snapshot):
                    self.sample_box.setValue(0)
        self._show(snapshot)
        self._write()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Panel."""
        self.legend.apply_theme(theme)
        self.diagram.apply_theme(theme)

    def summary(self) -> str:
        """Return what is shown, as text."""
        snapshot, drawing = self._newest, self._drawing
        if snapshot is None or drawing is None:
            return ""
        widths = "-".join(map(str, snapshot.net.layer_sizes))
        return f"Network {widths}, {snapshot.net.n_params:,} parameters. {self._sample_text()} {self._note_text()}"

    def take_sample(self, number: int) -> None:
        """Show the sample that was chosen elsewhere; see Panel."""
        super().take_sample(number)
        with QSignalBlocker(self.sample_box):
            self.sample_box.setRange(0, max(number, self.sample_box.maximum()))
            self.sample_box.setValue(number)
        if self.is_seen:
            self._draw_again()

    def _choose(self, number: int) -> None:
        self._draw_again()
        self.sample_chosen.emit(number)

    def _show(self, snapshot: Snapshot) -> None:
        net, data, sample = snapshot.net, snapshot.data, self.sample_box.value()
        self._activity = inner = activity_on(net, snapshot.theta, data, slice(sample, sample + 1))
        weights = tuple(weights for weights, _ in net.layers(snapshot.theta))
        skips = zip(net.skip, net.skip_weights(snapshot.theta), strict=True)
        outputs = inner.outputs if net.n_outputs == 1 else probabilities(inner.outputs)
        values = tuple(part[0] for part in (*inner.values, outputs))
        self._limits = _steady([_largest(part) for part in weights], self._limits)
        self._value_limits = _steady([_largest(part) for part in values], self._value_limits)
        if net.n_outputs > 1:
            self._value_limits[-1] = 1.0
        shape = data.image_shape
        self._drawing = Drawing(
            net,
            weights,
            values,
            tuple(self._limits),
            tuple(self._value_limits),
            data.x[sample].reshape(shape) if shape else None,
            tuple(skips),
            int(data.y[sample]) if net.n_outputs > 1 else None,
        )
        self.diagram.show_drawing(self._drawing)

    def _draw_again(self) -> None:
        if self._newest is not None:
            self._value_limits = []
            self._guard(self.draw, self._newest)

    # Words

    def _write(self) -> None:
        self.legend.set_keys(Key("line", "errors", "positive weight"), Key("dash", "loss", "negative weight"))
        text = self._note_text()
        self.note_label.setText(text)
        self.setAccessibleName(f"{self.title}. {self._sample_text()}")
        self.diagram.setAccessibleDescription(text)

    def _sample_text(self) -> str:
        drawing, snapshot = self._drawing, self._newest
        if drawing is None or snapshot is None:
            return ""
        sample = self.sample_box.value()
        if drawing.label is None:
            target = numerals.exact(snapshot.data.targets[sample])
            return f"Sample {sample}: output {numerals.exact(drawing.values[-1][0])}, target {target}."
        p = drawing.values[-1]
        return (
            f"Sample {sample} of class {drawing.label}: predicted {int(p.argmax())}, "
            f"probability of its class {numerals.exact(p[drawing.label])}."
        )

    def _note_text(self) -> str:
        drawing = self._drawing
        if drawing is None:
            return ""
        if self.diagram.chosen is not None:
            return self._unit_text(drawing, self.diagram.chosen)
        limits = [
            f"{numerals.short(limit)} into {layer_name(drawing, k + 1)}"
            for k, limit in enumerate(drawing.limits)
        ]
        if len(limits) > MOST_LAYERS:
            limits = [*limits[: MOST_LAYERS // 2], "...", limits[-1]]
        return f"Widest lines: {', '.join(limits)}. Click a unit, or use the arrow keys, for its numbers."

    def _unit_text(self, drawing: Drawing, unit: Unit) -> str:
        """Return the exact numbers of a unit: what goes in, what comes out, its bias, its largest weights."""
        layer, number = unit
        name, inner, snapshot = layer_name(drawing, layer), self._activity, self._newest
        value = numerals.exact(drawing.values[layer][number])
        if layer == 0 or inner is None or snapshot is None:
            return f"Input {number + 1}: {value}."
        is_output = layer == len(drawing.values) - 1
        goes_in = inner.outputs[0, number] if is_output else inner.pre_activations[layer - 1][0, number]
        weights, bias = (
            drawing.weights[layer - 1][:, number],
            snapshot.net.layers(snapshot.theta)[layer - 1][1],
        )
        largest = np.argsort(-np.abs(weights), kind="stable")[:_MOST_TOLD]
        told = ", ".join(f"{numerals.exact(weights[k])} from {k + 1}" for k in largest)
        what = "value"
        if is_output:
            what = "output" if len(drawing.values[-1]) == 1 else "probability"
        who = (
            f"Class {number}"
            if is_output and what == "probability"
            else f"{name[0].upper()}{name[1:]}, unit {number + 1}"
        )
        of_all = "" if len(weights) <= _MOST_TOLD else f" (the largest of {len(weights):,})"
        return (
            f"{who}: {what} {value}, w · x + b {numerals.exact(goes_in)}, b {numerals.exact(bias[number])}; "
            f"weights {told}{of_all}."
        )


def _largest(values: FloatArray) -> float:
    return float(np.abs(values).max())


def _steady(largest: list[float], before: list[float]) -> list[float]:
    """Return a round limit above 0 for each, see `steady_limit`."""
    known = before if len(before) == len(largest) else [0.0] * len(largest)
    return [steady_limit(new, old) for new, old in zip(largest, known, strict=True)]
