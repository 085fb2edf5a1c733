"""The lessons: notebooks agree with their sources, run, and tell a student which mistake an answer looks like.

Most of it runs the cells in plain Python, one namespace per lesson, which is what a kernel does; the slow tests, and
one of the others, use a real kernel.
"""
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from matplotlib.colors import to_hex

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"
spec = importlib.util.spec_from_file_location("notebooks_build", FOLDER / "build.py")
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)

LESSONS = build.sources()
lessons = pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
editions = pytest.mark.parametrize("edition", build.EDITIONS)

# Okabe & Ito 2008, black included
PALETTE = {"#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"}

# {lesson: {what stands in the solution: [(what a student writes instead, a part of the message)]}}
MISTAKES = {
    "01": {
        "d_real = -sigmoid(-s_real) / len(s_real)": [
            ("d_real = sigmoid(-s_real) / len(s_real)", "the sign is wrong"),
            ("d_real = -sigmoid(-s_real)", "the 1/n is missing"),
            ("d_real = -sigmoid(-s_real) / len(s_real)**2", "1/n is there twice"),
            ("d_real = -1 / sigmoid(s_real) / len(s_real)", "with respect to D(x)"),
            ("d_real = -sigmoid(s_real) * sigmoid(-s_real) / len(s_real)", "this is -dD/ds"),
            ("d_real = sigmoid(s_real) / len(s_real)", "gradient for target 0"),
            ("d_real = -sigmoid(-s_real)[:, 0] / len(s_real)", "of shape (5,); it should be an array of shape (5, 1)"),
            ("d_real = -sigmoid(-2 * s_real) / len(s_real)", "and should be"),
            ("d_real = None", "d_real is None: is a return missing?")],
        "d_fake = sigmoid(s_fake) / len(s_fake)": [
            ("d_fake = -sigmoid(s_fake) / len(s_fake)", "the sign is wrong"),
            ("d_fake = sigmoid(s_fake)", "the 1/m is missing"),
            ("d_fake = sigmoid(s_fake) / len(s_fake)**2", "1/m is there twice"),
            ("d_fake = sigmoid(s_fake) / len(s_real)", "divide by the number of fakes"),
            ("d_fake = 1 / sigmoid(-s_fake) / len(s_fake)", "with respect to D(x)"),
            ("d_fake = sigmoid(s_fake) * sigmoid(-s_fake) / len(s_fake)", "this is dD/ds"),
            ("d_fake = -sigmoid(-s_fake) / len(s_fake)", "gradient for target 1")],
        "dx_fake = d_fake * (w1 + 2 * w2 * x_fake)": [
            ("dx_fake = -d_fake * (w1 + 2 * w2 * x_fake)", "the sign is wrong"),
            ("dx_fake = d_fake / len(z) * (w1 + 2 * w2 * x_fake)", "the mean is taken twice"),
            ("dx_fake = d_fake", "the step through D is missing"),
            ("dx_fake = w1 + 2 * w2 * x_fake", "the first link of the chain"),
            ("dx_fake = d_fake * (w1 + w2 * x_fake)", "the derivative of w2 x² is 2 w2 x"),
            ("dx_fake = d_fake * w1 + 2 * w2 * x_fake", "brackets are missing"),
            ("dx_fake = d_fake * (w1 + 2 * w2 * z)", "where D looks, at x_fake")],
        "g_G = np.array([np.sum(dx_fake * z), np.sum(dx_fake)])": [
            ("g_G = np.array([np.sum(dx_fake), np.sum(dx_fake)])", "∂x_fake/∂a is z"),
            ("g_G = np.array([np.sum(dx_fake), np.sum(dx_fake * z)])", "a and b are in the wrong order"),
            ("g_G = np.array([np.mean(dx_fake * z), np.mean(dx_fake)])", "the mean is taken twice"),
            ("return np.array([np.sum(dx_fake * z), np.sum(dx_fake)])", "only g_G came back")],
        "return np.array([w1, w2, c])": [
            ("return -np.array([w1, w2, c])", "the sign is wrong"),
            ("return np.array([w1, w2, c - np.log(abs(a) / sigma)])", "c lacks log(|a| / σ)"),
            ("return np.array([w1, w2, c - 2 * np.log(abs(a) / sigma)])", "upside down"),
            ("c0 = np.log(abs(a) / sigma); return np.array([2 * w1, 2 * w2, 2 * c - c0])", "the ½ of the exponent"),
            ("return np.array([mu / sigma - b / a, 1 / (2 * a) - 1 / (2 * sigma), "
             "b**2 / (2 * a) - mu**2 / (2 * sigma) + np.log(a / sigma)])", "the variance is the square")],
    },
    "02": {
        "dx = dy @ W.T": [
            ("dx = dy @ W", "W is not transposed"),
            ("dx = -dy @ W.T", "the sign is wrong")],
        "dW = x.T @ dy": [
            ("dW = dy.T @ x", "this is the transposed gradient"),
            ("dW = x.T @ dy / len(x)", "this is a mean over the batch"),
            ("dW = -x.T @ dy", "the sign is wrong")],
        "db = dy.sum(axis=0)": [
            ("db = dy", "db_j is a sum over the rows"),
            ("db = dy.sum(axis=1)", "you sum over the outputs"),
            ("db = dy.mean(axis=0)", "this is a mean over the batch"),
            ("db = dy.sum(axis=0, keepdims=True)", "shape (1, 3) is not that of b"),
            ("db = -dy.sum(axis=0)", "the sign is wrong")],
        "return dy * y * (1 - y)": [
            ("return dy * sigmoid(y) * (1 - sigmoid(y))", "through σ once more"),
            ("return y * (1 - y)", "dy is missing"),
            ("return dy * sigmoid(x) * (1 - sigmoid(x))", "is given no x"),
            ("return dy * y", "the factor 1 - y is missing"),
            ("return dy * (1 - y)", "the factor y is missing"),
            ("return dy * y * (y - 1)", "the sign is wrong"),
            ("return dy * (1 - y**2)", "belongs to tanh")],
        "return dy * (s + x * s * (1 - s)), {}": [
            ("return dy * s, {}", "σ depends on x, too"),
            ("return dy * x * s * (1 - s), {}", "the x in front has derivative 1"),
            ("return s + x * s * (1 - s), {}", "dy is missing"),
            ("return dy * (s + x * s * (1 - x * s)), {}", "not y (1 - y)"),
            ("return dy * (s + s * (1 - s)), {}", "the factor x of the second term"),
            ("return dy * (s + x * s * (1 - s))", "returns two things"),
            ("return dx, {}", "comes from exercise 1"),
            ("pass", "dx is None: is a return missing?"),
            ("return -dy * (s + x * s * (1 - s)), {}", "the sign is wrong")],
    },
    "03": {
        "return np.where(both > 0, a / np.where(both > 0, both, 1), 0.5)": [
            ("return b / both", "a and b are swapped"),
            ("return a / b", "this is y / (1 - y), the odds"),
            ("return a / a + b", "mind the brackets"),
            ("return a / (a + b) if a + b > 0 else 0.5", "if, min and max take one number"),
            ("return np.full(len(a), 0.5)", "without the weights a and b"),
            ("return a / np.where(a == b, np.inf, a - b)", "the sign of f' is lost"),
            ("return a / both", "0 / 0 is NaN"),
            ("return a / np.maximum(both, 1e-300)", "right, except where a = b = 0")],
        "return np.sum(p * np.log(D) + q * np.log(1 - D)) * dx": [
            ("return np.sum(np.log(D) + np.log(1 - D)) * dx", "the weights p and q are missing"),
            ("return -np.sum(p * np.log(D) + q * np.log(1 - D)) * dx", "the sign is wrong"),
            ("return np.sum(p * np.log(D) + q * np.log(1 - D))", "dx is missing"),
            ("return np.mean(np.log(D) + np.log(1 - D))", "weighs all x the same"),
            ("return np.sum((p + q) * np.log(D)) * dx", "the second logarithm is that of 1 - D"),
            ("return np.sum(p * (np.log(D) + np.log(1 - D))) * dx", "the second expectation is over the fakes"),
            ("return np.sum(p * np.log(D) + q * (1 - D)) * dx", "the second logarithm is missing"),
            ("return np.sum(np.log(p * D) + np.log(q * (1 - D))) * dx", "not inside them"),
            ("return np.sum(q * np.log(D) + p * np.log(1 - D)) * dx", "p and q are swapped"),
            ("return np.sum(p * np.log(p / (p + q)) + q * np.log(q / (p + q))) * dx", "that is V of D*"),
            ("return 1.0", "V is 1 and should be -1.33"),
            ("return None", "V is None: is a return missing?")],
        "m = (p + q) / 2": [
            ("m = p + q", "m is the mean of p and q"),
            ("m = p + q / 2", "halves q alone")],
        "jsd = np.sum(p * np.log(p / m)) / 2 + np.sum(q * np.log(q / m)) / 2": [
            ("jsd = np.sum(p * np.log(p / m)) + np.sum(q * np.log(q / m))", "JSD has a ½ before each KL"),
            ("jsd = np.sum(p * np.log(p / q)) / 2 + np.sum(q * np.log(q / p)) / 2", "not from each other"),
            ("jsd = np.sum(p * np.log(m / p)) / 2 + np.sum(q * np.log(m / q)) / 2", "log(m/p) is upside down"),
            ("jsd = np.sum(p * np.log2(p / m)) / 2 + np.sum(q * np.log2(q / m)) / 2", "the natural one")],
        "return -np.log(4) + 2 * jsd": [
            ("return -np.log(2) + 2 * jsd", "log 2 instead of log 4"),
            ("return -np.log(4) + jsd", "it is twice the JSD"),
            ("return np.log(4) + 2 * jsd", "the sign of log 4 is wrong"),
            ("return 2 * jsd", "this is 2 JSD alone")],
    },
    "04": {
        "return p_z / np.abs(slope)": [
            ("return p_z", "this is the density of z"),
            ("return p_z * np.abs(slope)", "|G'| is upside down"),
            ("return p_z / slope", "a density is not negative"),
            ("return p_z * slope", "its absolute value is missing"),
            ("return p_z / slope**2", "one division by |G'| is enough"),
            ("return p_z / np.sqrt(np.abs(slope))", "divide by |G'| itself")],
        "return sigmoid(-s) * ds": [
            ("return -sigmoid(-s) * ds", "the sign is wrong"),
            ("return sigmoid(s) * ds", "the push of the minimax loss"),
            ("return sigmoid(s) * sigmoid(-s) * ds", "this is the slope of D"),
            ("return ds", "this is the slope of the logit"),
            ("return softplus(-s) * ds", "softplus itself stands there"),
            ("return sigmoid(-s)", "the slope of the logit is missing")],
    },
    "05": {
        "    minimax = -sigmoid(s)": [
            ("    minimax = sigmoid(s)", "the sign is wrong"),
            ("    minimax = -1 / sigmoid(-s)", "this is the derivative in D"),
            ("    minimax = -sigmoid(-s)", "the slope of the other loss, -log D"),
            ("    minimax = -sigmoid(s) * sigmoid(-s)", "The factor 1/(1 - D)"),
            ("    minimax = np.log(1 - sigmoid(s))", "this is the loss itself")],
        "non_saturating = -sigmoid(-s)": [
            ("non_saturating = sigmoid(-s)", "the sign is wrong"),
            ("non_saturating = -1 / sigmoid(s)", "this is the derivative in D"),
            ("non_saturating = -sigmoid(s)", "the slope of the other loss, log(1 - D)"),
            ("non_saturating = -sigmoid(s) * sigmoid(-s)", "The factor 1/D"),
            ("non_saturating = -np.log(sigmoid(s))", "this is the loss itself")],
        "return np.log(2) * np.minimum(np.abs(t), 1)": [
            ("return np.log(2) * np.abs(t)", "it never exceeds log 2"),
            ("return np.abs(t)", "this is W1"),
            ("return np.minimum(np.abs(t), 1)", "the log 2 is missing"),
            ("return 2 * np.log(2) * np.minimum(np.abs(t), 1)", "together log 2, not 2 log 2"),
            ("return np.log(2) / 2 * np.minimum(np.abs(t), 1)", "this is one of the two pieces"),
            ("return -np.log(4) + 2 * np.log(2) * np.minimum(np.abs(t), 1)", "this is C(G)"),
            ("return np.log(2) * np.minimum(t, 1)", "a box can move to the left"),
            ("return np.log(2) * np.maximum(1 - np.abs(t), 0)", "the mass that both share"),
            ("return np.log(2) * min(abs(t), 1)", "if, min and max take one number")],
        "return 0 * x - t / tau**2": [
            ("return 0 * x + t / tau**2", "the sign is wrong"),
            ("return 0 * x - t / tau", "the variance is the square"),
            ("return 0 * x - t / (2 * tau**2)", "the ½ of the exponent goes away"),
            ("return -x / tau**2", "the slope of log p alone"),
            ("return (x - t) / tau**2", "the slope of -log q alone"),
            ("return -(2 * x - t) / tau**2", "the slope of log p + log q"),
            ("return (t**2 - 2 * t * x) / (2 * tau**2)", "this is the logit itself"),
            ("return -t / tau**2", "is one number; it should be an array of shape (3,)")],
    },
    "06": {
        "return x - h * y, y + h * x": [
            ("return x - h * y, y - h * x", "both go down"),
            ("return x + h * y, y + h * x", "both go up"),
            ("return x + h * y, y - h * x", "both signs are wrong"),
            ("return x - h * x, y + h * y", "the derivative of xy in x is y"),
            ("return x - y, y + x", "the step size h is missing"),
            ("y = y + h * x; return x - h * y, y", "this is the alternating step"),
            ("x = x - h * y; return x, y + h * x", "y has already seen the new x")],
        "new_y = y + h * x": [
            ("new_y = y - h * x", "both go down")],
        "return x - h * new_y, new_y": [
            ("return x - h * y, new_y", "this is the simultaneous step"),
            ("new_x = x - h * y; return new_x, y + h * new_x", "x went first"),
            ("return x - (y + x), y + x", "the step size h is missing"),
            ("return x + h * (y - h * x), y - h * x", "both signs are wrong")],
        "root = np.sqrt(complex(gamma**2 / 4 - 1 / 4))": [
            ("root = np.sqrt(complex(gamma**2 / 4 - 1))", "the off-diagonal entries are ∓½"),
            ("root = np.sqrt(complex(gamma**2 / 4 + 1 / 4))", "the determinant is +¼"),
            ("root = np.sqrt(abs(gamma**2 / 4 - 1 / 4))", "is imaginary, not real"),
            ("root = np.sqrt(gamma**2 / 4 - 1 / 4)", "Make it complex first")],
        "return np.array([-gamma / 2 + root, -gamma / 2 - root])": [
            ("return np.array([gamma / 2 + root, gamma / 2 - root])", "the sign of the real part is wrong"),
            ("return np.array([-gamma + 2 * root, -gamma - 2 * root])", "everything is twice too large"),
            ("return np.array([-gamma + root, -gamma - root])", "the real part is -γ/2"),
            ("return -gamma / 2 + root", "an array of two numbers")],
        "return np.sqrt(1 + h**2 / 4)": [
            ("return 1 + h**2 / 4", "The root is missing"),
            ("return np.sqrt(1 + h**2)", "the turning rate is f'(0) = ½"),
            ("return 1 + h / 2", "the i is lost"),
            ("return np.sqrt(1 - h**2 / 4)", "the minus belongs to (1 + ib)²"),
            ("return 1 + 0.5j * h", "a complex number"),
            ("return np.sqrt(1 + h**2 / 2)", "the square of h/2 is h²/4"),
            ("return np.ones_like(h)", "1 is the modulus of the alternating step")],
    },
    "07": {
        "    least_squares = p / (p + q)": [
            ("    least_squares = q / (p + q)", "p and q are swapped"),
            ("    least_squares = np.log(p / q)", "this is the logit of p/(p+q)"),
            ("    least_squares = (p - q) / (p + q)", "this belongs to the labels 1 and -1"),
            ("    least_squares = p / q", "s stands in both terms"),
            ("    least_squares = np.full(4, 0.5)", "without the weights p and q")],
        "    hinge = np.sign(p - q)": [
            ("    hinge = np.sign(q - p)", "the sign is wrong"),
            ("    hinge = (p - q) / (p + q)", "lies at a corner, not between"),
            ("    hinge = p - q", "lies at a corner, and this is none"),
            ("    hinge = 1 if p > q else -1", "if, min and max take one number"),
            ("    hinge = np.where(p > q, 1, 0)", "the corner on the side of the fakes is -1"),
            ("    hinge = np.log(p / q)", "does not ask by how much")],
        "d_real = np.where(s_real < 1, -1.0, 0.0) / len(s_real)": [
            ("d_real = np.where(s_real < 1, 1.0, 0.0) / len(s_real)", "the sign is wrong"),
            ("d_real = np.where(s_real < 1, -1.0, 0.0)", "the 1/n of the mean is missing"),
            ("d_real = np.where(s_real > 1, -1.0, 0.0) / len(s_real)", "the flat side is the other one"),
            ("d_real = -np.ones_like(s_real) / len(s_real)", "it is never flat"),
            ("d_real = np.where(s_real < 0, -1.0, 0.0) / len(s_real)", "this margin is at 0"),
            ("d_real = np.where(s_real < -1, -1.0, 0.0) / len(s_real)", "this margin is at -1"),
            ("d_real = np.maximum(0, 1 - s_real) / len(s_real)", "this is the cost, not its slope"),
            ("d_real = max(0, 1 - s_real) / len(s_real)", "if, min and max take one number")],
        "d_fake = np.where(s_fake > -1, 1.0, 0.0) / len(s_fake)": [
            ("d_fake = np.where(s_fake > -1, -1.0, 0.0) / len(s_fake)", "the sign is wrong"),
            ("d_fake = np.where(s_fake > -1, 1.0, 0.0)", "the 1/m of the mean is missing"),
            ("d_fake = np.where(s_fake > -1, 1.0, 0.0) / len(s_real)", "divide by the number of fakes"),
            ("d_fake = np.where(s_fake < -1, 1.0, 0.0) / len(s_fake)", "the flat side is the other one"),
            ("d_fake = np.ones_like(s_fake) / len(s_fake)", "it is never flat"),
            ("d_fake = np.where(s_fake > 0, 1.0, 0.0) / len(s_fake)", "this margin is at 0"),
            ("d_fake = np.where(s_fake > 1, 1.0, 0.0) / len(s_fake)", "this margin is at +1")],
        "    D = 1 / (1 + t)": [
            ("    D = t / (1 + t)", "D* is 1/(1 + t)")],
        "    minimax = np.log(1 - D)": [
            ("    minimax = -np.log(1 - D)", "the sign is wrong"),
            ("    minimax = -softplus(D)", "this is D* itself put in for s"),
            ("    minimax = np.log(t)", "this is -s*, the logit")],
        "    non_saturating = -np.log(D)": [
            ("    non_saturating = np.log(D)", "the sign is wrong"),
            ("    non_saturating = np.log(1 - D)", "this is the price of minimax"),
            ("    non_saturating = -np.log(1 - D)", "this is -log(1 - D*)"),
            ("    non_saturating = np.log(t)", "this is -s*, the logit")],
        "    least_squares = (D - 1)**2 / 2": [
            ("    least_squares = D**2 / 2", "G wants 1, not 0"),
            ("    least_squares = (D - 1)**2", "the ½ is missing"),
            ("    least_squares = (1 - D) / 2", "the square is missing"),
            ("    least_squares = (-np.log(t) - 1)**2 / 2", "this puts the logit in")],
        "    hinge = np.sign(t - 1)": [
            ("    hinge = np.sign(1 - t)", "the sign is wrong"),
            ("    hinge = np.maximum(0, np.sign(t - 1))", "this is D's cost"),
            ("    hinge = t - 1", "says only which is larger"),
            ("    hinge = 0.0", "is one number; it should be"),
            ("    hinge = 1 if t > 1 else -1", "if, min and max take one number")],
    },
    "08": {
        "return np.abs(np.sort(x) - np.sort(y)).mean()": [
            ("return np.abs(x - y).mean()", "in the order in which they were drawn"),
            ("return np.abs(np.sort(x) - np.sort(y)).sum()", "this is a sum"),
            ("return abs(x.mean() - y.mean())", "the distance of the two means"),
            ("return np.abs(np.sort(x) - y).mean()", "only x is sorted"),
            ("return (np.sort(x) - np.sort(y)).mean()", "the absolute value is missing"),
            ("return np.abs(x[:, None] - y).mean()", "the plan that pairs at random"),
            ("return np.sqrt(((np.sort(x) - np.sort(y))**2).mean())", "this is W2")],
        "return -np.sign(F - G)": [
            ("return np.sign(F - G)", "the sign is wrong"),
            ("return -(F - G)", "as steep as allowed"),
            ("return F - G", "this is the gap itself"),
            ("return np.where(F > G, -1, 0)", "in the other direction"),
            ("return -1 if F > G else 1", "if, min and max take one number"),
            ("return -np.ones_like(F)", "-1 everywhere is right if")],
        "norm = np.sqrt(np.sum(u**2, axis=1, keepdims=True))": [
            ("norm = np.sqrt(np.sum(u**2))", "one norm for the whole batch")],
        "return 2 * weight / len(u) * (norm - 1) * u / norm": [
            ("return weight / len(u) * (norm - 1) * u / norm", "the 2 of the square"),
            ("return 2 * weight * (norm - 1) * u / norm", "the 1/n of the mean"),
            ("return 2 * weight / len(u) * (1 - norm) * u / norm", "the sign is wrong"),
            ("return 2 * weight / len(u) * (norm - 1) * u", "u still has its length"),
            ("return 2 * weight / len(u) * u / norm", "the factor ‖u‖ - 1 is missing"),
            ("return 2 * weight / len(u) * u", "That is the penalty of R1")],
        "    da = -2 * h * f1 * a_dot * dh_dot": [
            ("    da = 0 * h", "the f'' part is missing"),
            ("    da = 2 * h * f1 * a_dot * dh_dot", "the sign of f'' is wrong"),
            ("    da = -h * f1 * a_dot * dh_dot", "the 2 of f''"),
            ("    da = -2 * f1 * a_dot * dh_dot", "the factor h of f''")],
        "    dW = x.T @ da + v.T @ da_dot": [
            ("    dW = v.T @ da_dot", "the f'' part is missing"),
            ("    dW = x.T @ da", "the part along v is missing"),
            ("    dW = v.T @ da + x.T @ da_dot", "x and v are swapped"),
            ("    dW = -(x.T @ da + v.T @ da_dot)", "the sign is wrong")],
        "    db = da.sum(axis=0)": [
            ("    db = np.zeros_like(b)", "b does act"),
            ("    db = da_dot.sum(axis=0)", "this is the sum of da_dot"),
            ("    db = da.mean(axis=0)", "this is a mean over the rows"),
            ("    db = da", "one row for each x is left")],
    },
    "12": {
        "return np.log(m / (1 - m))": [
            ("return m", "this is the mean itself"),
            ("pass", "σ(b) is None: is a return missing?"),
            ("return -np.log(m / (1 - m))", "the sign is wrong"),
            ("return np.log(m)", "log m is not enough"),
            ("return m / (1 - m)", "these are the odds"),
            ("return 1 / (m * (1 - m))", "this is the slope of b"),
            ("return np.log(m / (1 + m))", "with a minus")],
        "return top + np.log(np.mean(np.exp(s - top[:, None]), axis=1)) - d * np.log(sigma * np.sqrt(2 * np.pi))": [
            ("return top + np.log(np.sum(np.exp(s - top[:, None]), axis=1)) - d * np.log(sigma * np.sqrt(2 * np.pi))",
             "became a sum"),
            ("return top + np.log(np.mean(np.exp(s - top[:, None]), axis=1))", "the normalisation -d log"),
            ("return top + np.log(np.mean(np.exp(s - top[:, None]), axis=1)) - np.log(sigma * np.sqrt(2 * np.pi))",
             "once for each of the d dimensions"),
            ("return top + np.log(np.mean(np.exp(s - top[:, None]), axis=1)) + d * np.log(sigma * np.sqrt(2 * np.pi))",
             "the sign of the normalisation"),
            ("return s.mean(axis=1) - d * np.log(sigma * np.sqrt(2 * np.pi))", "log of a mean, not mean of the log"),
            ("return top - np.log(s.shape[1]) - d * np.log(sigma * np.sqrt(2 * np.pi))", "only the nearest sample"),
            ("return np.log(np.mean(np.exp(s), axis=1)) - d * np.log(sigma * np.sqrt(2 * np.pi))", "is -inf")],
        "s = -square / (2 * sigma**2)": [
            ("s = -square / sigma**2", "divided by 2σ², not by σ²")],
        "return np.sum((a.mean(axis=0) - b.mean(axis=0))**2) + np.sum((a.std(axis=0) - b.std(axis=0))**2)": [
            ("return np.sum((a.std(axis=0) - b.std(axis=0))**2)", "the means are missing"),
            ("return np.sum((a.mean(axis=0) - b.mean(axis=0))**2)", "the variances are missing"),
            ("return np.sum((a.mean(axis=0) - b.mean(axis=0))**2) + np.sum((a.var(axis=0) - b.var(axis=0))**2)",
             "not the variances"),
            ("return np.sum((a.mean(axis=0) - b.mean(axis=0))**2) + np.sum(a.var(axis=0) + b.var(axis=0))",
             "the cross term"),
            ("return np.mean((a.mean(axis=0) - b.mean(axis=0))**2) + np.mean((a.std(axis=0) - b.std(axis=0))**2)",
             "F is the sum"),
            ("return np.sqrt(np.sum((a.mean(0) - b.mean(0))**2) + np.sum((a.std(0) - b.std(0))**2))",
             "no root at the end")],
    },
    "09": {
        "operations = 2 * n * k * m": [
            ("operations = n * k * m", "two for each triple of indices")],
        "moved = 4 * (n * k + k * m + n * m)": [
            ("moved = n * k + k * m + n * m", "numbers, not bytes"),
            ("moved = 4 * (n * k + k * m)", "the result has to be written")],
        "return min(peak, bandwidth * operations / moved)": [
            ("return max(peak, bandwidth * operations / moved)", "the smaller of the two"),
            ("return bandwidth * operations / moved", "the limit of memory alone"),
            ("pass", "attainable is None: is a return missing?"),
            ("return min(peak, bandwidth * moved / operations)", "upside down")],
        "            c[i, j] = 0\n": [
            ("            c = np.zeros(c.shape)\n", "c is as it was"),
            ("            pass\n", "c is not set to 0")],
        "c[i, j] += a[i, k] * b[k, j]": [
            ("c[i, j] = a[i, k] * b[k, j]", "only the last product is left"),
            ("c[i, j] += a[i, k]", "the factor b is missing"),
            ("c[:] = a @ b", "write the loops")],
        """        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                c""": [
            ("""        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                c""", "the order i, j, k")],
        """    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            c[i, j] = 0
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):""": [
            ("    c[:] = 0\n    for j in range(b.shape[1]):\n        for i in range(a.shape[0]):\n"
             "            for k in range(a.shape[1]):", "the order j, i, k"),
            ("    c[:] = 0\n    for k in range(a.shape[1]):\n        for i in range(a.shape[0]):\n"
             "            for j in range(b.shape[1]):", "the order k, i, j"),
            ("    c[:] = 0\n    for k in range(a.shape[1]):\n        for j in range(b.shape[1]):\n"
             "            for i in range(a.shape[0]):", "the order k, j, i"),
            ("    c[:] = 0\n    for j in range(b.shape[1]):\n        for k in range(a.shape[1]):\n"
             "            for i in range(a.shape[0]):", "the order j, k, i")],
        "registers = r * v + v + 1": [
            ("registers = r * v + v + r", "one after the other, in one register"),
            ("registers = r * v + 1", "the row of b needs registers"),
            ("registers = r * v + v", "the spread number of a needs one"),
            ("registers = r + v", "The sums need a register each")],
        "return registers, reads": [
            ("return registers", "tile returns two numbers")],
        "reads = (r + v) / (r * v)": [
            ("reads = r * v / (r + v)", "this is upside down"),
            ("reads = 1 / v", "the vectors of b are read, too"),
            ("reads = 1 / r", "the numbers of a are read, too"),
            ("reads = r + v", "the reads of one k")],
    },
    "10": {
        "good = distance.min(axis=1) <= 3 * std\n    return len(np.unique(nearest[good])), np.mean(good)": [
            ("good = distance.min(axis=1) <= 3 * std\n    return len(np.unique(nearest[good])), np.sum(good)",
             "divide by the number of samples"),
            ("good = distance.min(axis=1) <= 3 * std\n    return len(np.unique(nearest[good])), 100 * np.mean(good)",
             "not per cent"),
            ("good = distance.min(axis=1) <= std\n    return len(np.unique(nearest[good])), np.mean(good)",
             "three standard deviations, not one"),
            ("good = distance <= 3 * std\n    return good.any(axis=0).sum(), np.mean(good)", "all n times K distances"),
            ("good = distance.min(axis=1) <= 3 * std", "coverage is None: is a return missing?"),
            ("good = distance.min(axis=1) <= 3 * std\n    return len(np.unique(nearest)), np.mean(good)",
             "a mode is covered by good samples only"),
            ("good = distance.min(axis=1) <= 3 * std\n    return len(np.unique(nearest[good])) / 8, np.mean(good)",
             "covered is a number of modes"),
            ("good = distance.min(axis=1) > 3 * std\n    return len(np.unique(nearest[good])), np.mean(good)",
             "these are the bad samples")],
        "return np.sum(p[some] * np.log(p[some] / w[some]))": [
            ("return np.sum(p * np.log(p / w))", "NaN is 0 · log 0"),
            ("return p[some] * np.log(p[some] / w[some])", "Is the sum missing?"),
            ("pass", "reverse_kl is None: is a return missing?"),
            ("return p * np.log(p / w) if p > 0 else 0", "if, min and max take one number"),
            ("return np.sum(w * np.log(w / p))", "p and w are swapped"),
            ("return np.sum(p[some] * np.log2(p[some] / w[some]))", "this is log2"),
            ("return -np.sum(p[some] * np.log(p[some] / w[some]))", "the sign is wrong"),
            ("return np.sum(p[some] * np.log(p[some] / w[some])) / len(p)", "not a mean"),
            ("return np.sum(np.log(p[some] / w[some]))", "the weights p in front")],
        "q = np.zeros(len(D))\n    q[np.argmax(D)] = 1\n    return q": [
            ("q = np.zeros(len(D))\n    q[np.argmin(D)] = 1\n    return q", "this makes L as large as possible"),
            ("return D / D.sum()", "shares in proportion to D"),
            ("return np.exp(D) / np.exp(D).sum()", "a softmax of D spreads the mass"),
            ("return np.full(len(D), 1 / len(D))", "equal shares ignore D"),
            ("q = np.zeros(len(D))\n    q[np.argmax(D)] = 1", "best_answer is None: is a return missing?"),
            ("q = np.zeros(len(D))\n    q[np.argmax(D)] = D.max()\n    return q", "this is D at its best point"),
            ("return np.argmax(D)", "this is the number of the point")],
    },
    "11": {
        "return v.mean(), v.std(ddof=1) / np.sqrt(len(v))": [
            ("return v.mean(), v.std(ddof=1)", "this is s, the spread of one run"),
            ("return v.mean(), v.std() / np.sqrt(len(v))", "divide by n - 1"),
            ("return v.mean(), v.var(ddof=1) / len(v)", "The root is missing"),
            ("return v.mean(), v.std(ddof=1) / len(v)", "divide by √n"),
            ("return np.median(v), v.std(ddof=1) / np.sqrt(len(v))", "the median is not the mean"),
            ("return v.std(ddof=1) / np.sqrt(len(v)), v.mean()", "first the mean")],
        "return (alpha * p + beta * q) / (p + q)": [
            ("return (alpha * p + beta * q) / (alpha * p + (1 - beta) * q)", "below the line: there stands p + q"),
            ("return p / (p + q)", "this is D* of hard labels"),
            ("return alpha * p / (p + q)", "belongs to q"),
            ("pass", "best_D is None: is a return missing?"),
            ("return (beta * p + alpha * q) / (p + q)", "alpha and beta are swapped"),
            ("return (alpha + beta) / 2", "the densities are missing")],
        "return -t / sigma**2": [
            ("return t / sigma**2", "the sign is wrong"),
            ("return -t / sigma", "the square of sigma"),
            ("return -1 / sigma**2", "t is missing"),
            ("return -t / (2 * sigma**2)", "the ½ of the exponent"),
            ("return t**2 / (2 * sigma**2)", "that is the logit at 0"),
            ("return -sigma**2 / t", "upside down")],
    },
}


# --------------------------------------------------------------------------------------------- running a lesson

class Failure(Exception):
    """A cell that did not run: one line, with the line of the source."""


def step(cell, text, path, namespace):
    """Run one cell; a failure is one line."""
    try:
        exec(compile("\n" * (cell.line - 1) + text, str(path), "exec"), namespace)
    except Exception as e:
        frame, line = e.__traceback__, cell.line
        while frame:
            line = frame.tb_lineno if frame.tb_frame.f_code.co_filename == str(path) else line
            frame = frame.tb_next
        raise Failure(f"{path.name}:{line}: {type(e).__name__}: {e}") from None


def code_cells(path):
    return [cell for cell in build.parse(path) if cell.kind != "markdown"]


@pytest.fixture
def figures(monkeypatch):
    """Fast mode, the current directory of a notebook, and the faults of the figures that `plt.show` would show."""
    faults = []

    def show():
        for number in plt.get_fignums():
            faults.extend(figure_faults(plt.figure(number)))
        plt.close("all")

    monkeypatch.setenv("NUMPYGAN_FAST", "1")
    monkeypatch.setenv("NUMPYGAN_ENGINE", "numpy")
    monkeypatch.setattr(plt, "show", show)
    monkeypatch.chdir(FOLDER)
    yield faults
    plt.close("all")


def figure_faults(fig):
    """What a reader would miss: titles, names of axes, a legend off the data, colours that everybody can tell apart."""
    fig.canvas.draw()
    found = []
    legends = list(fig.legends)
    for ax in fig.axes:
        name = ax.get_title() or "an Axes without a title"
        found += [f"{name}: no {what}" for what, text in [
            ("title", ax.get_title()), ("name of the x axis", ax.get_xlabel()), ("name of the y axis", ax.get_ylabel())]
            if not text]
        legends += [ax.get_legend()] if ax.get_legend() else []
        used = {to_hex(line.get_color()) for line in ax.lines} | {to_hex(patch.get_facecolor()) for patch in ax.patches}
        found += [f"{name}: colour {colour}" for colour in used - PALETTE]
    boxes = [(ax.get_title(), ax.bbox) for ax in fig.axes]
    found += [f"{name}: a legend lies on the data" for legend in legends for name, box in boxes
              if legend.get_window_extent().overlaps(box)]
    return found


# ------------------------------------------------------------------------------------------------- the notebooks

@lessons
def test_the_notebooks_are_what_the_source_makes(path):
    assert [f.name for f in build.stale(path)] == []


@lessons
@editions
def test_a_notebook_is_valid_small_and_impersonal(path, edition):
    file = build.target(path, edition)
    text = file.read_text(encoding="utf-8")
    nb = nbformat.reads(text, as_version=4)
    nbformat.validate(nb)
    assert build.faults(nb) == []
    assert file.stat().st_size < build.LARGEST
    assert nb.metadata == build.METADATA
    assert "iopub" not in text, "execution times"
    counts = [cell.execution_count for cell in nb.cells if cell.cell_type == "code"]
    assert counts == (list(range(1, len(counts) + 1)) if edition == "worked" else [None] * len(counts))


@lessons
def test_the_worked_edition_shows_its_pictures(path):
    shown = sum(cell.text.count("plt.show()") for cell in code_cells(path))
    nb = nbformat.read(build.target(path, "worked"), as_version=4)
    pictures = [o for cell in nb.cells for o in cell.get("outputs", ()) if "image/png" in o.get("data", {})]
    assert len(pictures) == shown > 0


@lessons
@editions
def test_links_lead_somewhere(path, edition):
    file = build.target(path, edition)
    nb = nbformat.read(file, as_version=4)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", "\n".join(c.source for c in nb.cells if c.cell_type == "markdown")):
        name, _, anchor = link.partition("#")
        page = (file.parent / name).resolve()
        if not page.exists() or (anchor and f'<a id="{anchor}">' not in page.read_text(encoding="utf-8")):
            broken.append(link)
    assert broken == []


def test_every_lesson_is_in_the_table():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    wanted = [f"({folder}{path.stem}.ipynb)" for path in LESSONS for folder in ("", "exercises/")]
    assert [link for link in wanted if link not in readme] == []


def test_korean_words_are_those_of_the_glossary():
    glossary = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    korean = {term.strip(): {word.strip() for word in re.split(r"[,()]", words)}
              for terms, words in re.findall(r"^\| ([^|]+) \| ([^|]*[가-힣][^|]*) \|", glossary, re.M)
              for term in terms.split(",")}
    wrong = []
    for path in LESSONS:
        text = re.sub(r"\n# |[*\s]+", " ", path.read_text(encoding="utf-8"))          # over the ends of lines
        for term, words in korean.items():
            for given in re.findall(rf"\b{re.escape(term)} ?\(([가-힣][^)]*)\)", text):
                wrong += [f"{path.name}: {term} ({given})"] * bool(set(given.split(", ")) - words)
    assert wrong == []


def test_no_notebook_without_a_source():
    found = {p.stem for folder in (FOLDER, FOLDER / "exercises") for p in folder.glob("*.ipynb")}
    assert found == {path.stem for path in LESSONS}


# --------------------------------------------------------------------------------------------------------- runs

@lessons
def test_a_lesson_runs_and_its_figures_are_labelled(path, figures, capsys):
    namespace = {"__name__": "__main__"}
    for cell in code_cells(path):
        step(cell, build.worked(cell.text), path, namespace)
    assert figures == []


@lessons
def test_the_fill_in_edition_stops_at_each_open_exercise_and_runs_when_they_are_filled(path, figures, capsys):
    """The code is that of the .ipynb. When a run stops, the solution goes in, and the run goes on from there."""
    cells = code_cells(path)
    nb = nbformat.read(build.target(path, "fill-in"), as_version=4)
    texts = [cell.source for cell in nb.cells if cell.cell_type == "code"]
    exercises = [(i, m) for i, cell in enumerate(cells) for m in build.SOLUTION.finditer(cell.text)]
    assert len(exercises) >= 2
    namespace, at = {"__name__": "__main__"}, 0
    for where, m in exercises:
        hole = m["indent"] + build.open_line(m["what"])
        assert texts[where].count(hole) == 1
        with pytest.raises(Failure, match=re.escape(f"NotImplementedError: your turn: {m['what']}")):  # noqa: PT012
            for at in range(at, len(cells)):                                                           # noqa: B020
                step(cells[at], texts[at], path, namespace)
        assert cells[at].kind == "check" or at == where, "a cell other than the check meets the open exercise first"
        assert not any(m["answer"].strip() in text for text in texts[:at + 1]), "the solution stands in the exercise"
        texts[where] = texts[where].replace(hole, m["answer"].rstrip("\n"))
        at = where
    assert [i for i, cell in enumerate(cells) if texts[i] != build.worked(cell.text)] == []
    for i in range(at, len(cells)):
        step(cells[i], texts[i], path, namespace)


@lessons
def test_typical_mistakes_are_recognised(path, figures, capsys):
    """Each solution is replaced by wrong ones; the first check that fails must name the mistake."""
    mistakes, cells = MISTAKES[path.name[:2]], code_cells(path)
    exercises = [i for i, cell in enumerate(cells) if build.SOLUTION.search(cell.text)]
    namespace, missed, seen = {"__name__": "__main__"}, [], dict.fromkeys(exercises, 0)
    for i, cell in enumerate(cells[:exercises[-1] + 2]):
        if i in exercises:
            check = next(j for j in range(i, len(cells)) if cells[j].kind == "check")
            for right, wrong, message in [(r, *w) for r, ws in mistakes.items() if r in cell.text for w in ws]:
                seen[i] += 1
                said = answer(cells, i, check, right, wrong, path, dict(namespace))
                missed += [f"{wrong}: {said}"] if message not in said else []
        step(cell, build.worked(cell.text), path, namespace)
    assert missed == []
    assert min(seen.values()) >= 3
    assert sum(map(len, mistakes.values())) == sum(seen.values()), "a mistake belongs to no exercise"


def answer(cells, i, check, right, wrong, path, namespace):
    """What the check says to a wrong solution in cell i."""
    text = build.worked(cells[i].text)
    assert text.count(right) == 1
    try:
        step(cells[i], text.replace(right, wrong), path, namespace)
        for j in range(i + 1, check + 1):
            step(cells[j], build.worked(cells[j].text), path, namespace)
    except Failure as e:
        return str(e)
    return "accepted"


@pytest.mark.parametrize("name", ["feedback", "ask"])
def test_all_lessons_have_the_same_feedback(name):
    found = [re.search(rf"^def {name}\(.*?(?=^\S|\Z)", path.read_text(encoding="utf-8"), re.M | re.S)
             for path in LESSONS]
    assert len({m[0].rstrip() for m in found if m}) == 1
    assert name == "ask" or None not in found


def kernel(*arguments):
    """build.py in a fresh process."""
    return subprocess.run([sys.executable, str(FOLDER / "build.py"), *arguments], capture_output=True, text=True,
                          timeout=300, cwd=ROOT, env=os.environ | {"NUMPYGAN_ENGINE": "numpy"})


def test_a_lesson_runs_in_a_kernel():
    done = kernel("--try", "01")
    assert (done.returncode, done.stdout) == (0, f"{LESSONS[0].stem}: runs\n"), done.stderr[-500:]


@pytest.mark.slow
def test_every_lesson_runs_in_a_kernel():
    done = kernel("--try")
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.slow
def test_a_rebuild_changes_no_cell_and_no_printed_line():
    """Pictures may differ in a pixel between versions of Matplotlib; text may not."""
    for path in (p for p in LESSONS if not p.name.startswith("12")):         # which takes the MNIST that it finds
        old = nbformat.read(build.target(path, "worked"), as_version=4)
        new = build.execute(build.notebook(path, "worked"), path.stem)
        assert printed(new) == printed(old)


def printed(nb):
    return [o.text for cell in nb.cells for o in cell.get("outputs", ()) if o.output_type == "stream"]


# ---------------------------------------------------------------------------------------------- the build itself

SOURCE = '''\
# %% [markdown]
# # 9 · A title

# %% [markdown]
# See [Eq. (2.1)](../docs/2-layers.md#eq-2-1).
#
# $$ y = 1 $$

# %%
def double(x):
    # --- solution: return twice x, not "x" ---
    y = 2 * x

    return y
    # --- end ---


# %% [check]
assert double(2) == 4
'''


@pytest.fixture
def source(tmp_path):
    def write(text):
        path = tmp_path / "09_title.py"
        path.write_text(text, encoding="utf-8")
        return path
    return write


def test_both_editions_of_a_source(source):
    path = source(SOURCE)
    worked, fill_in = build.notebook(path, "worked"), build.notebook(path, "fill-in")
    assert [c.cell_type for c in worked.cells] == ["markdown", "markdown", "markdown", "code", "code"]
    assert worked.cells[0].source == "# 9 · A title"
    assert "(exercises/09_title.ipynb)" in worked.cells[1].source
    assert worked.cells[2].source == "See [Eq. (2.1)](../docs/2-layers.md#eq-2-1).\n\n$$ y = 1 $$"
    assert worked.cells[3].source == "def double(x):\n    y = 2 * x\n\n    return y"
    assert "(../09_title.ipynb)" in fill_in.cells[1].source
    assert fill_in.cells[2].source == "See [Eq. (2.1)](../../docs/2-layers.md#eq-2-1).\n\n$$ y = 1 $$"
    assert fill_in.cells[3].source == ('def double(x):\n    raise NotImplementedError('
                                       '"your turn: return twice x, not \\"x\\"")')
    assert [c.metadata for c in (worked.cells[4], fill_in.cells[4])] == [{}, {"jupyter": {"source_hidden": True}}]


def test_ids_are_those_of_the_cells(source):
    """A new cell, even a copy of another, leaves the ids of the others as they are."""
    before = [c.id for c in build.notebook(source(SOURCE), "worked").cells]
    again = [c.id for c in build.notebook(source(SOURCE), "worked").cells]
    more = [c.id for c in build.notebook(source(SOURCE.replace("# %%\n", "# %%\nx = 1\n\n# %%\n", 1)
                                                + "# %%\nx = 1\n"), "worked").cells]
    assert again == before
    assert [i for i in more if i in before] == before
    assert len(set(more)) == len(before) + 2


@pytest.mark.parametrize(("text", "message"), [
    ("x = 1\n" + SOURCE, "09_title.py:1: the file must begin with a cell"),
    (SOURCE.replace("# %% [check]", "# %% [chekc]"), "a cell begins with one of # %%, # %% [check], # %% [markdown]"),
    (SOURCE.replace("# See", "See"), "09_title.py:5: every line of a markdown cell begins with '# '"),
    (SOURCE.replace("    # --- end ---\n", ""), "the cell at line 10 has a solution marker without its partner"),
    (SOURCE.replace("    # --- end ---", "# --- end ---"), "has a solution marker without its partner"),
    (SOURCE.replace("    # --- solution: return twice x, not \"x\" ---\n", ""), "marker without its partner")])
def test_a_faulty_source_is_an_error_that_says_where(source, text, message):
    with pytest.raises(build.BuildError, match=re.escape(message)):
        build.notebook(source(text), "worked")


def test_an_unknown_lesson_is_an_error():
    with pytest.raises(build.BuildError, match="no lesson 77: there are 01, 02"):
        build.sources(["77"])
    assert "no lesson 77" in build.main(["77"])


def test_a_changed_source_is_noticed(source, monkeypatch, tmp_path, capsys):
    """--check: silent on a notebook that agrees, and names one that is missing, edited or out of order."""
    path = source(SOURCE)
    (tmp_path / "exercises").mkdir()
    monkeypatch.setattr(build, "HERE", tmp_path)
    monkeypatch.setattr(build, "SOURCES", tmp_path)
    monkeypatch.setattr(build, "EDITIONS", {
        "worked": build.EDITIONS["worked"]._replace(folder=tmp_path),
        "fill-in": build.EDITIONS["fill-in"]._replace(folder=tmp_path / "exercises")})
    files = [build.target(path, edition) for edition in build.EDITIONS]
    assert build.stale(path) == files
    for edition, file in zip(build.EDITIONS, files, strict=True):
        file.write_text(nbformat.writes(build.notebook(path, edition)), encoding="utf-8")
    assert build.main(["--check"]) == 0
    assert capsys.readouterr().out == ""
    content = json.loads(files[1].read_text(encoding="utf-8"))
    content["cells"][3]["source"] = "def double(x):\n    return 3 * x"
    files[1].write_text(json.dumps(content), encoding="utf-8")
    assert build.main(["--check"]) == 1
    assert "09_title.ipynb is not what its source makes: run python notebooks/build.py 09" in capsys.readouterr().out


def test_outputs_that_cannot_be_handed_out_are_named():
    v4 = nbformat.v4

    def faults(*outputs):
        return build.faults(v4.new_notebook(cells=[v4.new_code_cell("x", outputs=list(outputs))]))

    assert faults(v4.new_output("stream", text="1.0\n")) == []
    assert "error or a warning" in faults(v4.new_output("stream", name="stderr", text="Warning"))[0]
    assert "error or a warning" in faults(v4.new_output("error", ename="E", evalue="", traceback=[]))[0]
    assert "text/html" in faults(v4.new_output("display_data", data={"text/html": "<b>"}))[0]
    assert "a path or an address" in faults(v4.new_output("stream", text=f"{ROOT}/x.npz"))[0]
    assert "a path or an address" in faults(v4.new_output("display_data", data={"text/plain": "<f at 0x7f00aa11>"}))[0]
    assert "bytes are too many" in faults(v4.new_output("display_data", data={"image/png": "A" * 1_000_000}))[0]


def test_a_wrong_answer_is_shown_as_one_line():
    """In the notebook: the sentence, and no traceback."""
    nb = build.notebook(LESSONS[1], "worked")
    wrong = next(i for i, cell in enumerate(nb.cells) if "dW = x.T @ dy" in cell.source)
    nb.cells[wrong].source = nb.cells[wrong].source.replace("x.T @ dy", "dy.T @ x")
    del nb.cells[wrong + 2:]
    with pytest.raises(build.BuildError, match=rf"cell {wrong + 2}: NotYet: dW: this is the transposed gradient"):
        build.execute(nb, "02", fast=True)
    shown = nb.cells[-1].outputs[-1].traceback
    assert len(shown) == 1
    assert re.fullmatch(r"Not yet\. dW: this is the transposed gradient\. .*", shown[0])


def test_figures_that_a_reader_could_not_read_are_named():
    fig, (good, bad) = plt.subplots(1, 2, layout="constrained")
    good.plot([0, 1], color="#0072B2", label="a line")
    good.set(title="One", xlabel="x", ylabel="y")
    bad.plot([0, 1], color="red", label="a line")
    bad.set(title="Two", xlabel="x")
    fig.legend(*good.get_legend_handles_labels(), loc="outside lower center")
    assert figure_faults(fig) == ["Two: no name of the y axis", "Two: colour #ff0000"]
    good.legend()
    assert "One: a legend lies on the data" in figure_faults(fig)
    plt.close(fig)


def test_a_failing_lesson_is_one_line(source):
    nb = build.notebook(source(SOURCE.replace("2 * x", "1 / 0")), "worked")
    with pytest.raises(build.BuildError, match=r"^09_title, cell 5: ZeroDivisionError: division by zero$"):
        build.execute(nb, "09_title", fast=True)
