"""Draw the built-in sample: faces from identity, pose, light and facial action units."""

from ferflow.faces.action_units import ActionUnits, random_units
from ferflow.faces.draw import draw_face
from ferflow.faces.identity import Identity, View, random_identity, random_view
from ferflow.faces.plan import CLASSES, DAMAGE, Damaged, Face, plan_damage, plan_faces
from ferflow.faces.sample import random_face, write_sample

__all__ = [
    "CLASSES",
    "DAMAGE",
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
