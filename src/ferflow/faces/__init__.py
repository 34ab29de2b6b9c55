"""The built-in sample: faces drawn from identity, pose, light and facial action units."""

from ferflow.faces.draw import draw_face
from ferflow.faces.identity import Identity, View, random_identity, random_view
from ferflow.faces.plan import CLASSES, DAMAGE, Damaged, Face, plan_damage, plan_faces
from ferflow.faces.sample import random_face, write_sample
from ferflow.faces.units import EMOTIONS, ActionUnits, random_units

__all__ = [
    "CLASSES",
    "DAMAGE",
    "EMOTIONS",
    "ActionUnits",
    "Damaged",
    "Face",
    "Identity",
    "View",
    "draw_face",
    "plan_damage",
    "plan_faces",
    "random_face",
    "random_identity",
    "random_units",
    "random_view",
    "write_sample",
]
