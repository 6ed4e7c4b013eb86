"""Boosting: LightGBM, XGBoost and CatBoost as candidates, stored without a pickle."""
